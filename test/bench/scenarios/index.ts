import type { Scenario } from '../scenario.ts';
import { budgets } from './budgets.ts';
import { burst } from './burst.ts';
import { churn } from './churn.ts';
import { coldStart } from './cold-start.ts';
import { failOver } from './fail-over.ts';
import { paced } from './paced.ts';
import { pools } from './pools.ts';
import { steady } from './steady.ts';
import { writes } from './writes.ts';

/** In the order in which they are played. */
export const scenarios: readonly Scenario[] = [
  burst('burst', 0),
  burst('burst, slow provider', 100),
  paced('paced', 0.2),
  paced('paced, slow calls', 12),
  churn,
  budgets,
  pools,
  coldStart,
  steady,
  writes,
  failOver,
];
