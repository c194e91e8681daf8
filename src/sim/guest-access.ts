import { invalid, Refusal } from './answers.ts';
import type { Fields } from './fields.ts';
import type { SimulatorOptions } from './options.ts';
import type { GuestAccess } from './state.ts';

/** Password, keys and cloud-init of a new VM (API reference 5.1; A18, A19, A20). */
export function readGuestAccess(fields: Fields, options: SimulatorOptions): GuestAccess {
  const password = fields.optional('password');
  const own = fields.optional('ssh_key')?.trim();
  const organization = options.organizationSshKey === '' ? undefined : options.organizationSshKey;
  // A18: a key stored with the organization is installed beside the one that is sent.
  const sshKeys = [own, organization].filter((key) => key !== undefined);
  if (password === undefined && sshKeys.length === 0) throw invalid('Either password or ssh_key is required');
  return { password, sshKeys, cloudInit: readCloudInit(fields, options) };
}

/** Backslash and n stand for each line break; one real line break at the very end is in the recorded call. */
function readCloudInit(fields: Fields, options: SimulatorOptions): string | undefined {
  const script = fields.optional('cloudinit_script');
  if (script === undefined) return undefined;
  if (options.rawNewlines === '500' && /[\r\n]/.test(script.replace(/\r?\n$/, ''))) {
    throw new Refusal('wrongState', 'Internal server error');
  }
  return script.replaceAll('\\n', '\n');
}

/** A27. */
export function readName(fields: Fields): string {
  const name = fields.text('name');
  // Characters, not UTF-16 units.
  if (Array.from(name).length > 60) throw invalid('name must have 1 to 60 characters');
  return name;
}
