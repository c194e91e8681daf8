import * as z from 'zod';

import { cel, durationField } from './fields.ts';

/** What happens by the clock, to a VM or to a pool. */

const fiveFields = '^ *[^ ]+( +[^ ]+){4} *$';

const clockTime = z
  .string()
  .min(9)
  .max(100)
  .meta(
    cel({
      rule: `self.matches('${fiveFields}')`,
      message: 'must be a cron expression of five fields: minute, hour, day of month, month and day of week',
    }),
  );

export const scheduleField = z
  .object({
    timeZone: z
      .string()
      .min(1)
      .max(64)
      .default('UTC')
      .describe('IANA time zone that the clock times are in, such as Europe/Berlin. Summer time is followed.'),
    start: clockTime.describe('Cron expression of the times from which the VM runs, such as "0 8 * * 1-5".'),
    stop: clockTime.describe('Cron expression of the times from which it does not, such as "0 19 * * 1-5".'),
    action: z
      .enum(['Stop', 'Release'])
      .default('Release')
      .describe(
        'What happens at the stop times. Release: only storage is billed; Stop: everything is kept and billed.',
      ),
  })
  .describe(
    'When the VM runs, by the clock, while powerState is Running: whichever of start and stop came last decides, also where that was before the resource was made. Where both come at once it is stopped.',
  );
export type ScheduleSpec = z.infer<typeof scheduleField>;

export const expireAfterField = durationField.describe(
  'The resource is deleted, and its VM with it, when it is this old, such as "8h".',
);
