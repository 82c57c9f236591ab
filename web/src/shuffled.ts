// Mixing. Pure but for the dice.

/** Shuffled, each exactly once (Fisher and Yates). `random` gives numbers from 0 up to 1. Pure but for it. */
export function shuffled<T>(items: readonly T[], random: () => number = Math.random): T[] {
  const mixed = items.slice();
  for (let i = mixed.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    const [a, b] = [mixed[i] as T, mixed[j] as T];
    mixed[i] = b;
    mixed[j] = a;
  }
  return mixed;
}
