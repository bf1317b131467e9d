import { run } from './random.js';
import { MODES } from './rig.js';

/** Runs many seeds, and says which of them breaks a rule. */
function seeds(n: number, o: Parameters<typeof run>[1]): void {
  for (let seed = 1; seed <= n; seed++)
    try {
      run(seed, o);
    } catch (e) {
      (e as Error).message = `seed ${seed}: ${(e as Error).message}`;
      throw e;
    }
}

// CR0.WP = 0 is left out where pages are logged: the kernel does not mark what the supervisor stores to read-only pages.
const VERBS = 'rrwwxppPbdcfi';

describe('mmu: guests that change their page tables', function () {
  this.timeout(60_000);
  for (const paging of MODES) {
    it(`${paging}: one vCPU breaks no rule, whatever it does`, () => seeds(150, { settings: { paging } }));
    it(`${paging}: nor under the log, while the host takes pages away`, () =>
      seeds(80, { settings: { paging }, slot: { dirty_log: true }, verbs: VERBS, host: true }));
    it(`${paging}: two vCPUs on the same tables break none in these schedules`, () =>
      seeds(100, { settings: { paging }, vcpus: 2, verbs: VERBS, host: true }));
  }

  // As first posted, a sync goes by the entry alone, leaves what has lost A, and takes U from nobody: that is left out.
  const SOUND = { verbs: 'rrwwxppPcfi', entries: [0x67n, 0x67n, 0x167n, 0x65n, 0x165n, 0n] };
  it('oos=rfc: one vCPU breaks none in any mode, if it does not take rights from upper entries', () => {
    for (const paging of MODES) seeds(80, { settings: { paging, oos: 'rfc' }, ...SOUND });
  });
  // A sync does not tell the host that a page was written (C-03), and the posted one counts tables twice (D-15).
  const KNOWN = { dirty_track: 'd-bit', sync_account: 'no' };
  for (const profile of ['oos-2.6.28', 'oos-2.6.29'])
    it(`${profile}: one vCPU breaks none in any mode`, () => {
      for (const paging of MODES) seeds(60, { settings: { paging, profile, ...KNOWN }, verbs: VERBS });
    });
  it('oos-rfc: nor does it, without INVLPG, if it takes no rights away', () => {
    const verbs = SOUND.verbs.replace('i', '');
    for (const paging of MODES)
      seeds(60, { settings: { paging, profile: 'oos-rfc', ...KNOWN }, ...SOUND, verbs });
  });
  it('oos=global-list: nor with entries that are global', () => {
    for (const paging of MODES)
      seeds(80, {
        settings: { paging, oos: 'global-list' },
        verbs: `${VERBS}W`,
        entries: [0x167n, 0x167n, 0x67n, 0x107n, 0x165n, 0x163n, 0n],
      });
  });
  for (const oos of ['none', 'merged', 'global-list']) {
    it(`oos=${oos}: one vCPU breaks none in any mode`, () => {
      for (const paging of MODES) seeds(50, { settings: { paging, oos } });
    });
    it(`oos=${oos}: nor do two, while the host takes pages away`, () =>
      seeds(80, { settings: { paging: '64', oos }, vcpus: 2, verbs: VERBS, host: true }));
  }

  it('the hardened kernel breaks none either, under the log', () =>
    seeds(80, {
      settings: { paging: '64', profile: 'hardened' },
      slot: { dirty_log: true },
      vcpus: 2,
      verbs: VERBS,
      host: true,
    }));
  it('the hardened kernel breaks none either', () =>
    seeds(150, { settings: { paging: '64', profile: 'hardened' }, vcpus: 2, verbs: VERBS, host: true }));

  for (const paging of MODES) {
    const settings = { paging, bypass_guest_pf: 'on' };
    it(`${paging}: faults that go straight to the guest break none`, () => seeds(60, { settings }));
    it(`${paging}: nor with two vCPUs and a host that takes pages away`, () =>
      seeds(40, { settings, vcpus: 2, verbs: VERBS, host: true }));
  }

  for (const guest_paging of MODES)
    for (const format of ['ept', 'npt']) {
      const settings = { paging: 'tdp', guest_paging, format };
      it(`${guest_paging} in two dimensions (${format}): one vCPU breaks none`, () =>
        seeds(50, { settings }));
      it(`${guest_paging} in two dimensions (${format}): nor do two under the log, while the host takes pages away`, () =>
        seeds(50, { settings, slot: { dirty_log: true }, vcpus: 2, host: true }));
    }
  it('64 in two dimensions, without A and D in the tables of KVM: two vCPUs break none', () =>
    seeds(100, {
      settings: { paging: 'tdp', guest_paging: '64', eptad: 'off' },
      slot: { dirty_log: true },
      vcpus: 2,
      host: true,
    }));
  for (const paging of MODES) {
    const settings = { paging, profile: 'wp-2008' };
    it(`${paging}: the kernel of 2008 breaks none with one vCPU`, () =>
      seeds(80, { settings, verbs: VERBS }));
    it(`${paging}: nor under the log, while the host takes pages away`, () =>
      seeds(60, { settings, slot: { dirty_log: true }, verbs: VERBS, host: true }));
    // By itself it leaves entries unchecked that another vCPU has linked (G-01), lets the later of two stores lose (G-02), and flushes
    // too late.
    const later = {
      gpte_check: 'all',
      pte_write_value: 'reread',
      ipi: 'mode',
      notifier_flush: 'locked',
      spte_update: 'xchg-return',
    };
    it(`${paging}: nor with two vCPUs, where what was mended later is mended`, () =>
      seeds(60, {
        settings: { ...settings, ...later },
        slot: { dirty_log: true },
        vcpus: 2,
        verbs: VERBS,
        host: true,
      }));
  }
});
