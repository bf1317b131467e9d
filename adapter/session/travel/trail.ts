/** Where the person's steps began: `stepBack` retraces them, whatever kinds of steps they were. */

/** A stop from which a step was made. */
export interface Footstep {
  readonly position: number;
  /** Number of the thread that the stop was about. */
  readonly thread: number;
}

export class Trail {
  private readonly steps: Footstep[] = [];

  /** A step begins. */
  push(from: Footstep): void {
    this.steps.push(from);
  }

  /** The beginning of the last step that led to before `position`; it is not retraced again. */
  back(position: number): Footstep | undefined {
    for (;;) {
      const last = this.steps.pop();
      if (last === undefined || last.position < position) return last;
    }
  }

  /** Something else than a step was done: what came before is not retraced. */
  clear(): void {
    this.steps.length = 0;
  }
}
