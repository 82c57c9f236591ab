// The box's Wi-Fi: what is in reach, and joining it. A wrong password changes nothing.

import type { SeenNetwork, System, Wifi, WifiNetwork } from "../api-types.ts";
import { asProblem, getJson, type Problem, say, send, useEffect, useState } from "../shell.ts";
import { Form, Sure, Text } from "./form.tsx";
import { words } from "./words.ts";

const ADDRESS = "/api/v1/system/wifi";
const REFRESH_MS = 4000;

/** The page. */
export function WifiPage() {
  const text = words().wifi;
  const [here, setHere] = useState(true);
  const [wifi, setWifi] = useState<Wifi | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  // The network that was chosen; an empty name is one that hides it.
  const [chosen, setChosen] = useState<SeenNetwork | null>(null);
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [country, setCountry] = useState("");
  const [joining, setJoining] = useState(false);

  const show = (now: Wifi): void => {
    setProblem(null);
    setWifi(now);
  };
  const load = (): void => void getJson<Wifi>(ADDRESS).then(show, (thrown: unknown) => setProblem(asProblem(thrown)));
  const search = (): void => void send("POST", ADDRESS).then(() => say(text.searching), (thrown: Problem) => say(thrown.detail));
  useEffect(() => {
    let timer = 0;
    void getJson<System>("/api/v1/system").then(
      (system) => {
        setHere(system.here);
        if (!system.here) return;
        load();
        search();
        timer = window.setInterval(load, REFRESH_MS);
      },
      (thrown: unknown) => setProblem(asProblem(thrown)),
    );
    return () => clearInterval(timer);
  }, []);
  if (!here) return <p class="hint">{words().system.notHere}</p>;
  if (problem && !wifi) return <p class="wrong">{problem.detail}</p>;
  if (!wifi) return null;
  if (!wifi.interface) return <p class="hint">{text.noRadio}</p>;

  const choose = (network: SeenNetwork | null): void => {
    setChosen(network ?? { name: "", signal: 0, security: "wpa2" });
    setName(network ? network.name : "");
    setPassword("");
    setCountry(country || wifi.country || home());
  };
  const join = (): Promise<void> => {
    setJoining(true);
    const wanted: WifiNetwork = { name: name.trim(), password: password || null, country: country.trim() || null, hidden: chosen?.name === "" };
    return send<Wifi>("PUT", ADDRESS, wanted).then(
      (now) => {
        setJoining(false);
        show(now);
        setChosen(null);
        say(text.joined(name));
      },
      (thrown: unknown) => {
        setJoining(false);
        throw thrown;
      },
    );
  };
  return (
    <div class="settings">
      <p role="status" class="verdict">
        {wifi.joined ? text.joined(wifi.joined) : text.alone}
      </p>
      {chosen ? (
        <Form title={chosen.name || text.hidden} detail={text.joinDetail} action={joining ? text.joining : text.join} act={join}>
          {!chosen.name && <Text name="ssid" label={text.name} value={name} onInput={setName} first />}
          {chosen.security !== "open" && (
            <Text name="key" type="password" complete="off" label={text.password} value={password} onInput={setPassword} first={!!chosen.name} />
          )}
          <Text name="country" label={text.country} hint={text.countryHint} value={country} onInput={setCountry} />
          <button type="button" class="tool" onClick={() => setChosen(null)}>
            {words().back}
          </button>
        </Form>
      ) : (
        <section class="setting">
          <h2>{text.inReach}</h2>
          {!wifi.networks.length && <p class="hint">{text.none}</p>}
          <ul class="rows">
            {wifi.networks.map((network) => (
              <li key={network.name}>
                <span>
                  <b>{network.name}</b> · {network.signal} % · {text.securities[network.security]}
                </span>
                {network.security !== "other" && network.name !== wifi.joined && (
                  <button type="button" class="tool" aria-label={text.join + ": " + network.name} onClick={() => choose(network)}>
                    {text.join}
                  </button>
                )}
              </li>
            ))}
          </ul>
          <div class="steps">
            <button type="button" class="tool" onClick={search}>
              {text.search}
            </button>
            <button type="button" class="tool" onClick={() => choose(null)}>
              {text.hidden}
            </button>
            {wifi.joined && <Sure label={text.forget} sure={words().system.sure} act={() => void send("DELETE", ADDRESS).then(load, (thrown: Problem) => say(thrown.detail))} />}
          </div>
        </section>
      )}
    </div>
  );
}

// Where the browser is at home: "DE" of "de-DE".
function home(): string {
  return /-([A-Z]{2})$/.exec(navigator.language ?? "")?.[1] ?? "";
}
