/** Prints one measurement: what it is, the figure, its target, and its ratio to the baseline. */
export function row(title: string, figure: string, target: string, ratio?: number): void {
  const times = ratio === undefined ? '' : `${ratio.toFixed(3)} x baseline`;
  console.log(`${title.padEnd(52)} ${figure.padStart(22)}   ${target.padEnd(22)} ${times}`);
}
