import { describe, expect, it } from 'vitest';

import { cloudVm, installation, markedName, recordedVm, snapshotOf, uid } from '../../../test/support/builders.ts';
import { vmNameOf } from '../../api/vm-name.ts';
import { nextSnapshot } from '../../fleet/snapshot.ts';
import { Store } from '../../kube/store.ts';
import { silentLogger } from '../../lib/logger.ts';
import type { CloudVm } from '../../provider/contract.ts';
import type { CustomObject } from '../objects.ts';
import { recordedIn } from '../vm-owners.ts';
import { touchedBy } from './touched.ts';

const recordingUid = '99999999-0000-4000-8000-000000000000';

function touched(before: readonly CloudVm[], after: readonly CloudVm[], unreadable: readonly string[] = []): string[] {
  const vms = new Store<CustomObject>({ log: silentLogger, indexes: { vm: recordedIn } });
  const metadata = { name: 'x', namespace: 'research', uid: recordingUid, resourceVersion: '1', generation: 1 };
  const status = { vm: recordedVm('vm-2') };
  vms.applyWrite({ apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuVm', metadata, status });
  const last = snapshotOf(before);
  const { diff } = nextSnapshot(last, { vms: after, unreadable }, last);
  return [...touchedBy(diff, { vms, installation })];
}

const marked = cloudVm('vm-1');
const renamed = cloudVm('vm-1', { name: markedName(1, recordingUid) });
const nobodys = cloudVm('vm-3', { name: 'somebody-elses' });
const elsewhere = cloudVm('vm-3', { name: vmNameOf({ installation: '9f9f9f9f', uid, attempt: 1 }) });

describe('a list touches', () => {
  it.each<[string, string[], string[]]>([
    ['nobody by what it says as before', touched([marked], [marked]), []],
    ['the owner of a new VM, by its mark', touched([], [marked]), [uid]],
    ['the owner of a VM that is gone', touched([marked], []), [uid]],
    [
      'the owner of one that cannot be read any more, though nobody has recorded it',
      touched([marked], [], ['vm-1']),
      [uid],
    ],
    [
      'the owner that a VM had by its name, and the one that it has now',
      touched([marked], [renamed]),
      [uid, recordingUid],
    ],
    ['whoever has recorded a VM, whatever its name is', touched([], [cloudVm('vm-2', { name: 'x' })]), [recordingUid]],
    ['whoever has recorded one that cannot be read', touched([], [], ['vm-2']), [recordingUid]],
    ['nobody by VMs of others', touched([], [nobodys]), []],
    ['nobody by VMs of another installation', touched([elsewhere], []), []],
  ])('%s', (_, uids, expected) => {
    expect(uids).toEqual(expected);
  });
});
