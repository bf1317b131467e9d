/** Lines of a schedule that move the kernel's own threads. */
import assert from 'node:assert/strict';
import { openSimulation } from '../../../adapter/language/run/index.js';

const open = (schedule: string, use = 'use mmu { paging: tdp, vcpus: 1, memory: 16M }') =>
  openSimulation({
    program: 'test.lockstep',
    text: `scenario "s" { ${use}
      thread t { let x = 1 } schedule { ${schedule} } }`,
    args: { set: {}, use: {} },
  });

describe('running: interrupts in a schedule', () => {
  it('are moved by the name of their thread', () => {
    const simulation = open('cpu0.irq for 1 step');
    while (simulation.run(100));
    assert.match(
      simulation.outcome?.headline ?? '',
      /'cpu0\.irq for 1 step', but cpu0\.irq waits for an interrupt/,
    );
  });
  it('are not there on a CPU that is not', () => {
    const simulation = open('cpu99.irq to blocked');
    while (simulation.run(100));
    assert.match(simulation.outcome?.headline ?? '', /there is no thread 'cpu99\.irq'/);
  });
  it('have names, and a wrong one is told before anything runs', () => {
    assert.throws(
      () => open('cpu0.irk to blocked'),
      /unknown thread 'cpu0\.irk'; did you mean `cpuN\.irq`\?/,
    );
    assert.throws(() => open('cpu0.irq to blocked', ''), /unknown thread 'cpu0\.irq'/);
    assert.throws(() => open('cpu0.irq[1] to blocked'), /unknown thread 'cpu0\.irq'/);
  });
});
