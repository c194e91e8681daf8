import { gpuAccountType } from '../../api/group.ts';
import type { CustomObject } from '../../controllers/objects.ts';
import { isKubeError } from '../../kube/contract.ts';
import { problemsForUsers } from '../account/report.ts';
import type { Session } from '../common/session.ts';
import type { BadAccount } from './bad-account.ts';
import type { Surroundings } from './problems.ts';
import type { VmReport } from './vm-report.ts';

/** Each once, however many VMs use it. Whoever may not read accounts is told of none. */
export async function badAccountsOf(
  session: Session,
  vms: readonly Pick<VmReport, 'account'>[],
  surroundings: Surroundings,
): Promise<readonly BadAccount[]> {
  const names = new Set(vms.flatMap(({ account }) => account ?? []));
  const objects = await Promise.all([...names].sort().map((name) => accountNamed(session, name)));
  return objects.flatMap((object) => (object === undefined ? [] : badAccount(object, surroundings)));
}

/** That there is none of that name is said by the VMs. */
async function accountNamed({ kube }: Session, name: string): Promise<CustomObject | undefined> {
  try {
    return await kube.get<CustomObject>(gpuAccountType, { name });
  } catch (error) {
    if (isKubeError(error, 'forbidden', 'notFound')) return undefined;
    throw error;
  }
}

function badAccount(object: CustomObject, surroundings: Surroundings): BadAccount[] {
  const problems = problemsForUsers(object, surroundings);
  return problems.length === 0 ? [] : [{ kind: 'GpuAccount', name: object.metadata.name, problems }];
}
