import { ProviderError } from './error.ts';

/** The ticket grew old or a pause came: its call did not start. */
export function lostTicket(): ProviderError {
  return new ProviderError(
    'the call was not sent: calls to the provider were paused, or it came too late for its turn',
    {
      kind: 'rateLimited',
      outcome: 'notDone',
      endpoint: '',
    },
  );
}

/** Nothing was sent: whoever journals an intent before a call may take it back. */
export function closedError(): ProviderError {
  return new ProviderError('the operator is stopping: no more calls start', {
    kind: 'unavailable',
    outcome: 'notDone',
    endpoint: '',
  });
}
