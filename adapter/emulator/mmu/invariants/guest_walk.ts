/** What the tables of the guest say of an address now, without an access of anybody's. */

import { look_at_guest } from '../guest/tables.js';
import { type Reader, type Translation, translate } from '../guest/translation.js';
import type { TlbEntry } from '../structures/tlb.js';
import type { KvmVcpu } from '../structures/vcpu.js';
import { type Look, peek } from './look.js';

/** The translation of a page by the tables that a vCPU uses; undefined where there is none. */
export function guestTranslation(
  look: Look,
  vcpu: number,
  vpn: number,
  read: Reader = (gpa, bytes) => look_at_guest(look.kvm, gpa, bytes),
): Translation | undefined {
  return look.machine.quietly(() => translate(look.vcpus[vcpu] as KvmVcpu, vpn, read));
}

/** Whether the guest's tables give what a cached translation says, now: it is not one that the guest has left there itself. */
export function guestGives(look: Look, vcpu: number, e: TlbEntry): boolean {
  const t = guestTranslation(look, vcpu, peek(e, 'vpn'));
  if (t === undefined || t.gfn !== peek(e, 'gfn') || !t.accessed) return false;
  if (peek(e, 'writable') && peek(e, 'user') && !(t.writable && t.dirty)) return false;
  return (t.user || !peek(e, 'user')) && (t.executable || !peek(e, 'executable'));
}
