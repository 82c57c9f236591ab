// One of several, as a row of buttons: legible from the sofa, and one key press each with a remote control.

/** Something to choose: what it is called inside and outside. */
export interface Option {
  value: string;
  label: string;
}

/** A titled row. `first`: the screen's focus begins at its chosen one. */
export function Options(props: {
  title: string;
  value: string;
  options: Option[];
  first?: boolean;
  onChoose: (value: string) => void;
}) {
  return (
    <div class="setting" role="radiogroup" aria-label={props.title}>
      <h2 aria-hidden="true">{props.title}</h2>
      <div class="options">
        {props.options.map(({ value, label }) => {
          const on = value === props.value;
          return (
            <button
              type="button"
              role="radio"
              class="option"
              aria-checked={on}
              data-first={on && props.first ? "" : undefined}
              key={value}
              onClick={() => props.onChoose(value)}
            >
              {label}
            </button>
          );
        })}
      </div>
    </div>
  );
}
