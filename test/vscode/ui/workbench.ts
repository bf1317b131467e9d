import { cpSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { temporaryFolder } from '../../../build/children.mjs';
import { startServer } from '../../../build/vscode/server.mjs';
import { openWorkbench } from '../../../build/vscode/workbench.mjs';

/** Where the tests put their screenshots; ignored by git. */
const SHOTS = resolve('out/screenshots');

/** VS Code as a person sees it: the page of a real one that has our package installed and a copy of scenarios/ open. */
export class Workbench {
  private constructor(
    readonly page: Page,
    private readonly endings: (() => void)[],
  ) {}

  static async open(): Promise<Workbench> {
    const vsix = process.env.LOCKSTEP_VSIX;
    if (!vsix) throw new Error('LOCKSTEP_VSIX must name the package to test');
    const { path, remove } = temporaryFolder('lockstep-ui');
    const folder = join(path, 'scenarios');
    cpSync('scenarios', folder, { recursive: true });
    const server = await startServer({ vsix });
    const { page, close } = await openWorkbench(server, { folder });
    const workbench = new Workbench(page, [close, server.stop, remove]);
    await page.locator('.explorer-folders-view [role=treeitem]').first().waitFor();
    return workbench;
  }

  end(): void {
    for (const end of this.endings) end();
  }

  /** Opens a file of the folder, given by its path in it, as a person does with the Explorer. */
  async openFile(path: string): Promise<void> {
    const names = path.split('/');
    const name = names.pop();
    const row = (text: string) =>
      this.page.locator('.explorer-folders-view [role=treeitem]', { hasText: text }).first();
    for (const folder of names) {
      if ((await row(folder).getAttribute('aria-expanded')) !== 'true') await row(folder).click();
    }
    await row(name ?? '').dblclick();
    await this.page.locator(`.tab.active[data-resource-name="${name}"]`).waitFor();
    // Until an extension host runs, F5 only opens the debugger's side bar. Behind the path, the breadcrumbs have the symbols of
    // the file as soon as our language server has told them.
    const breadcrumbs = this.page.locator('.editor-group-container.active .monaco-breadcrumb-item');
    await breadcrumbs.nth(path.split('/').length).waitFor();
  }

  /** Runs a command from the palette by its title. */
  async command(title: string): Promise<void> {
    await this.page.keyboard.press('F1');
    await this.page.locator('.quick-input-widget input').fill(`>${title}`);
    await this.page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first().click();
  }

  /** The text of the active editor. */
  editor(): Locator {
    return this.page.locator('.editor-group-container.active .monaco-editor .view-lines');
  }

  /** Puts the cursor into a line of the active editor. */
  async goToLine(line: number): Promise<void> {
    await this.page.keyboard.press('Control+g');
    await this.page.locator('.quick-input-widget input[type=text]').fill(`:${line}`);
    await this.page.locator('.quick-input-list .monaco-list-row', { hasText: `line ${line}` }).click();
  }

  /** Sets a breakpoint with a click in the gutter of a line. */
  async breakAt(line: number): Promise<void> {
    await this.goToLine(line);
    const numbers = this.page.locator('.editor-group-container.active .margin-view-overlays > div', {
      has: this.page.locator('.line-numbers', { hasText: new RegExp(`^${line}$`) }),
    });
    // VS Code may show the hint of a breakpoint there already, which takes the click as well.
    await numbers.click({ position: { x: 8, y: 8 }, force: true });
    await this.page.locator('.codicon-debug-breakpoint').first().waitFor();
  }

  /**
   * Points at a word until its hover is there. VS Code asks for it when the pointer moves, and not again when the session was not
   * ready to answer then; a person moves the pointer once more.
   */
  async pointAt(word: Locator): Promise<void> {
    const hover = this.page.locator('.debug-hover-widget');
    for (let n = 0; n < 20 && !(await hover.isVisible()); n++) {
      await word.hover({ position: { x: 3 + (n % 5) * 3, y: 8 } });
      await hover.waitFor({ timeout: 1500 }).catch(() => undefined);
    }
  }

  /** The number of the line to be seen in the active editor that has this text. */
  async lineOf(text: string): Promise<number> {
    const line = this.editor().locator('.view-line', { hasText: text.replaceAll(' ', '\u00a0') });
    const top = await line.evaluate((element) => element.style.top);
    const active = this.page.locator('.editor-group-container.active .margin-view-overlays > div');
    const number = active.and(this.page.locator(`[style*="top:${top}"], [style*="top: ${top}"]`));
    return Number(await number.locator('.line-numbers').innerText());
  }

  /** Clicks a button of the dialog that is in front. */
  async dialog(button: string): Promise<void> {
    const dialog = this.page.locator('.monaco-dialog-box');
    await dialog.locator('.monaco-button', { hasText: button }).click();
    await dialog.waitFor({ state: 'detached' });
  }

  /** Our entry of the status bar, as soon as it has this text. */
  status(text: string | RegExp): Locator {
    return this.page.locator('.statusbar-item[id^="lockstep."]', { hasText: text });
  }

  /** A row of the Debug Console that has this text. */
  console(text: string): Locator {
    return this.page.locator('.repl .monaco-list-row', { hasText: text }).last();
  }

  /** Starts debugging what the editor shows; of several scenarios the one at the cursor. */
  async start(): Promise<void> {
    await this.page.keyboard.press('F5');
  }

  /** Clicks a button of the debug toolbar by its codicon: `continue`, `step-over`, `step-back`, `reverse-continue`, `stop`. */
  async tool(name: string): Promise<void> {
    await this.page.locator(`.debug-toolbar .codicon-debug-${name}`).click();
  }

  /** Waits until the debug session has ended. */
  async ended(): Promise<void> {
    await this.page.locator('.debug-toolbar').waitFor({ state: 'hidden' });
  }

  /** Closes sections of the side bar, so that the others have more room. */
  async collapse(...sections: string[]): Promise<void> {
    for (const section of sections) {
      const header = this.page.locator(`.pane-header[aria-label="${section} Section"]`);
      if ((await header.getAttribute('aria-expanded')) === 'true') await header.click();
    }
  }

  /** Opens a section of the side bar. */
  async unfold(section: string): Promise<void> {
    const header = this.page.locator(`.pane-header[aria-label="${section} Section"]`);
    if ((await header.getAttribute('aria-expanded')) === 'false') await header.click();
  }

  /** Drags the upper edge of a section of the side bar down, in pixels. */
  async lower(section: string, pixels: number): Promise<void> {
    const box = await this.page.locator(`.pane-header[aria-label="${section} Section"]`).boundingBox();
    if (!box) throw new Error(`${section} is not to be seen`);
    const x = box.x + box.width / 2;
    await this.page.mouse.move(x, box.y);
    await this.page.mouse.down();
    await this.page.mouse.move(x, box.y + pixels, { steps: 5 });
    await this.page.mouse.up();
  }

  /** A section of the side bar. */
  section(name: string): Locator {
    return this.page.locator('.pane', {
      has: this.page.locator(`.pane-header[aria-label="${name} Section"]`),
    });
  }

  /** A row of the view Kernel Events, by its label. */
  event(label: string): Locator {
    const name = this.page.locator('.label-name', { hasText: new RegExp(`^${escaped(label)}$`) });
    return this.section('Kernel Events').locator('.monaco-list-row', { has: name });
  }

  /** Opens a group of the view Kernel Events. */
  async openGroup(group: string): Promise<void> {
    if ((await this.event(group).getAttribute('aria-expanded')) === 'false')
      await this.event(group).locator('.monaco-tl-twistie').click();
    await this.event(group).and(this.page.locator('[aria-expanded=true]')).waitFor();
  }

  /** Clicks the box of an event, or of a group of them, and waits until it shows what was asked for. */
  async check(label: string, on = true): Promise<void> {
    await this.event(label).locator('.monaco-custom-toggle').click();
    await this.event(label).locator(`.monaco-custom-toggle[aria-checked=${on}]`).waitFor();
  }

  /** Gives an event a condition: the button in its row, then the box that it opens. */
  async setCondition(label: string, condition: string): Promise<void> {
    await this.event(label).hover();
    await this.event(label).locator('.action-label[aria-label^="Edit Condition"]').click();
    await this.answer(condition);
    await this.event(label).locator('.label-description', { hasText: condition }).waitFor();
  }

  /** Types an answer into the box that a command has opened. */
  async answer(text: string): Promise<void> {
    const box = this.page.locator('.quick-input-widget input[type=text]');
    await box.fill(text);
    await box.press('Enter');
    await box.waitFor({ state: 'hidden' });
  }

  /** Chooses from the context menu of a row. */
  async chooseFor(row: Locator, label: string): Promise<void> {
    await row.click({ button: 'right' });
    await this.chooseFromMenu(label);
  }

  private async chooseFromMenu(label: string): Promise<void> {
    const menu = this.page.locator('.context-view .monaco-menu');
    await menu.waitFor();
    // A menu takes clicks only once the pointer has chosen an item.
    const item = menu.locator('.action-item', { hasText: new RegExp(`^${escaped(label)}`) });
    await item.hover();
    await item.and(this.page.locator('.focused')).waitFor();
    await item.click();
  }

  /** The row of a thread in the Call Stack pane, by the beginning of its name. */
  thread(name: string): Locator {
    return this.callStack()
      .filter({ has: this.page.locator('.thread') })
      .filter({ hasText: name });
  }

  /** The rows of the Call Stack pane. */
  callStack(): Locator {
    return this.page.locator('.debug-call-stack .monaco-list-row');
  }

  /** Waits for a stop, and looks at the function that it is in. */
  async stopped(reason: string): Promise<void> {
    const state = this.page.locator('.call-stack-state-message, .debug-call-stack .thread .state.label');
    await state.filter({ hasText: `Paused on ${reason}` }).waitFor();
    await this.look('.lockstep');
  }

  /**
   * Waits until the Call Stack has a frame with this text (the editor asks for the top frame first, and the rows move when the rest
   * comes), and then looks at the innermost frame: a caller first, so that it is a new look.
   */
  async look(text: string): Promise<void> {
    await this.callStack().filter({ hasText: text }).first().waitFor();
    const frames = this.callStack().filter({ has: this.page.locator('.stack-frame') });
    for (const frame of (await frames.count()) > 1 ? [frames.nth(1), frames.nth(0)] : [frames.nth(0)]) {
      await frame.click();
      await frame.and(this.page.locator('.selected')).waitFor();
    }
  }

  /** A row of the Variables pane, by its name and how deep it is in the tree: 1 for a scope. */
  variable(name: string, depth: number): Locator {
    const row = `.debug-variables .monaco-list-row[aria-level="${depth}"]`;
    return this.page.locator(`${row}[aria-label="Scope ${name}"], ${row}[aria-label^="${name}, value "]`);
  }

  /** The same row, scrolled to: a long pane holds only the rows that are in sight. */
  async reveal(name: string, depth: number): Promise<Locator> {
    const row = this.variable(name, depth);
    for (let n = 0; n < 40 && (await row.count()) === 0; n++) {
      await this.page.locator('.debug-variables').hover();
      await this.page.mouse.wheel(0, 80);
      await this.page.evaluate('new Promise((drawn) => requestAnimationFrame(drawn))');
    }
    return row;
  }

  /** Scrolls the Variables pane until there is room below a row for what opens under it. */
  private async lift(row: Locator): Promise<void> {
    const [box, pane] = [await row.boundingBox(), await this.page.locator('.debug-variables').boundingBox()];
    if (box === null || pane === null || box.y + 4 * box.height < pane.y + pane.height) return;
    await this.page.locator('.debug-variables').hover();
    await this.page.mouse.wheel(0, 4 * box.height);
    await this.page.evaluate('new Promise((drawn) => requestAnimationFrame(drawn))');
  }

  /** Closes a scope of the Variables pane. */
  async close(scope: string): Promise<void> {
    const row = this.variable(scope, 1);
    if ((await row.getAttribute('aria-expanded')) === 'true') await row.locator('.monaco-tl-twistie').click();
    await row.and(this.page.locator('[aria-expanded=false]')).waitFor();
  }

  /** Opens rows of the Variables pane from a scope downwards. */
  async expand(...path: string[]): Promise<void> {
    for (const [index, name] of path.entries()) {
      const row = await this.reveal(name, index + 1);
      await this.lift(row);
      if ((await row.getAttribute('aria-expanded')) === 'false')
        await row.locator('.monaco-tl-twistie').click();
      await this.page
        .locator(`.debug-variables .monaco-list-row[aria-level="${index + 2}"]`)
        .first()
        .waitFor();
    }
  }

  async screenshot(name: string): Promise<void> {
    mkdirSync(SHOTS, { recursive: true });
    await this.page.screenshot({ path: join(SHOTS, `${name}.png`) });
  }
}

/** A text as a pattern that matches just it. */
const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
