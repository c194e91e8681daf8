/**
 * The operator's times for this. What may befall a call has to be within what they allow for, or a second VM would be the
 * harness's fault: a list is at most `mostStaleMs` old, a call that was given up takes effect at most `mostLateMs` later,
 * and both together are less than the late-effect. The absence-proof is short, because an operator that is killed before it has
 * proven anything has to begin anew.
 */
export const operatorFlags = {
  'provider-timeout': '2s',
  'absence-proof': '1s',
  'late-effect': '3s',
  'call-margin': '2s',
  'shutdown-grace': '2s',
};

/**
 * From the moment on at which a process first sees the intent of a call whose process died it needs so long to prove that
 * the call has made nothing: timeout, margin, late effect and proof, and some polls. Whoever is killed sooner leaves the
 * doubt to the next one, which begins anew; so some have to live longer, or most resources wait until chaos is over.
 */
export const proofMs = 9_000;

export const providerTimeoutMs = 2_000;
export const mostStaleMs = 1_500;
export const mostLateMs = 400;

/** Times of the provider, so that restarts happen in the middle of everything. */
export const providerTimes = { bootDelayMs: 400, stopDelayMs: 200, deleteDelayMs: 300 };

/** Shorter than client-go's, in the same order. */
export const leaseFlags = {
  'leader-elect-lease-duration': '3s',
  'leader-elect-renew-deadline': '2s',
  'leader-elect-retry-period': '300ms',
};
