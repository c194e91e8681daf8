/**
 * Every reason that a condition may have, with what it means and what to do. docs/conditions.md is generated from this
 * table, and the compiler refuses a condition with a reason that is not in it.
 */
export const reasons = {
  // Ready, while all is well or on its way
  Running: 'The VM runs, and answers its readiness probe if it has one.',
  Pending: 'Nothing has been decided yet; the operator has just seen the resource.',
  WaitingForProvider: 'The operator has not read the list of VMs yet since it started.',
  LookingForHost: 'The inventory of hosts is being fetched.',
  WaitingForTurn: 'The call waits for its turn: the provider is asked at most as often as the account allows.',
  Launching: 'The VM is being deployed.',
  Building: 'The provider is building the VM; its status is shown in the message.',
  NotReachable: 'The VM runs, but its readiness probe does not get through (yet).',
  Starting: 'The VM is being started.',
  Stopping: 'The VM is being stopped.',
  Stopped:
    'The VM is stopped as asked. With powerState Stopped it is billed in full, with Released only its storage is.',
  Released: 'The VM is stopped and its GPU was given back, as asked. Only its storage is billed.',
  Resizing: 'The VM is stopped, changed and started again to get the size that the spec asks for.',
  Adopted: 'The resource has taken over an existing VM.',
  Deleting: 'The VM is being deleted; the resource goes when a later list no longer has the VM.',
  // Ready, what is in the way of a launch
  NoOffer: 'No host fits. The message counts the hosts by what is wrong with them. Tried again by itself.',
  OverPriceCap: 'Hosts fit, but all cost more than maxHourlyPrice. Raise it, or wait: tried again by itself.',
  LaunchFailed: 'The provider refused to deploy. Tried again on another host with growing pauses.',
  PriceViolation:
    'The VM turned out dearer than maxHourlyPrice allows: a new one is deleted again, one that was resized is released.',
  NoWinningBid: 'Hosts fit, but no bid within bid.maxPrice wins there now. Raise it, or wait: tried again by itself.',
  CreateUncertain:
    'The answer to a deploy call was lost. Nothing is deployed until the list proves whether the VM exists.',
  InsufficientBalance: "The organization's balance does not allow it. Add funds; tried again by itself.",
  OverBudget:
    'A GpuBudget of the namespace has no room for the VM; the message says which limit. It comes in when there is room, the oldest first.',
  OverAccountLimit:
    'The limits of the GpuAccount have no room for the VM; the message says which. Tried again by itself.',
  BalanceLow:
    'The balance of the GpuAccount would not last for limits.minRunway. Recharge it at the provider; what waits goes on by itself, the oldest first.',
  BalanceUnknown:
    'What is left of the balance is not known, as the provider has not said lately. Where limits.minRunway is set nothing more is spent before it is; nothing is released for that.',
  OverPoolCost: 'The pool may not cost more per hour: maxHourlyCost has no room for this member. Raise it, or wait.',
  PoolNotFound:
    'The GpuPool that the resource is owned by does not exist, so nobody knows what it may cost. Delete the resource, or take its owner reference away.',
  NamespaceNotAllowed: 'The GpuAccount does not serve this namespace (spec.allowedNamespaces). Ask the platform team.',
  // Ready, what keeps a VM from running that exists or could
  OffHours: 'By spec.schedule the VM does not run now; the message says when it starts.',
  StoppedByBudget:
    'A GpuBudget with onExceeded StopByPriority keeps the VM released; it is started again by itself when there is room.',
  StoppedForBalance:
    'The balance of the GpuAccount was so low that the VM was released by its priority (limits.releaseBelowRunway); after a recharge it is started again by itself, once the balance lasts for limits.minRunway with it.',
  RetainNotAllowed:
    'A GpuBudget of the namespace does not allow that VMs are left behind: set deletionPolicy to Delete, or ask the platform team for allowRetain.',
  // Ready, what is wrong with the resource or what it refers to
  InvalidSpec: 'The spec asks for something impossible; the message says what. Change the spec.',
  AccountNotFound: 'spec.accountName names a GpuAccount that does not exist. Create it, or name another.',
  AccountNotReady: 'The GpuAccount cannot be used now; its own conditions say why.',
  SecretNotFound: 'A Secret that the spec refers to does not exist. Create it; looked for again by itself.',
  ConfigMapNotFound: 'A ConfigMap that the spec refers to does not exist. Create it; looked for again by itself.',
  InvalidInput: 'A Secret or ConfigMap does not hold what is needed; the message says which key and why.',
  CrdOutdated:
    'The API server drops fields of the status, as its CRD is older than the operator. Apply the CRDs; tried again by itself.',
  SecretConflict: 'A Secret with the name of the connection Secret exists and belongs to somebody else. Rename one.',
  // Ready, trouble with a VM that exists
  UnknownStatus: 'The provider reports a status that the operator does not know. It changes nothing until that passes.',
  Unreadable: 'The provider lists the VM, but its entry could not be understood. Nothing is changed until it can.',
  VmMissing: 'The list no longer has the VM. Asked about it by id before anything is done.',
  VmNotOurs:
    'The status names a VM that does not carry the mark of this resource. It is not touched; the message says what to do.',
  VmLost: 'The provider says that the VM no longer exists, though nobody here deleted it. Another one is deployed.',
  Outbid:
    'A higher bid has taken the place of the spot VM. Its disk is kept; spec.onOutbid says what happens, and the message what is waited for.',
  OutbidTooOften:
    'The resource was outbid more often than spec.outbidLimit allows: no bid is made before the time in the message.',
  ReturningToSpot: 'A bid wins again: the on-demand VM is released, and a spot VM takes its place.',
  StartBlockedNoCapacity: 'The host has no room for the VM now. Its disk is safe; starting is tried again for ever.',
  PowerCallFailed: 'Starting or stopping failed; the message has the reason. Tried again with growing pauses.',
  DeleteFailed: 'Deleting failed; the message has the reason. Tried again for ever; the VM may still be billed.',
  // adoption
  AdoptionVmNotFound: 'The list has no VM with the id of the adopt annotation. Correct the id.',
  AdoptionRefused: 'The VM may not be adopted: it belongs to another resource, or is of another type. Name another.',
  AdoptionMismatch: 'The VM differs from the spec; the message lists how. Change the spec to match it.',
  // Synced
  ReconcileSuccess: 'The last reconcile went through.',
  ReconcileFailed:
    'The last reconcile failed: what the status says may be out of date. The message says why; tried again with growing pauses.',
  Paused: 'The resource is paused by annotation: the operator changes nothing at the provider.',
  ProviderUnavailable: 'The provider does not answer, or answers nonsense. What is shown is the last that was known.',
  RateLimited: 'The provider said that it gets too many requests. Tried again after a pause.',
  InvalidCredentials: 'The provider refuses the key or token. Correct the credentials Secret.',
  ListDistrusted: 'The list of VMs contradicts other evidence and is not taken as proof that a VM is gone.',
  // Launched
  NotLaunched: 'No VM has been made yet.',
  VmExists: 'The provider has made the VM.',
  // Reachable
  ProbeSucceeded: 'The readiness probe connected.',
  ProbeFailed: 'The readiness probe could not connect; the message has the reason.',
  ProbePending: 'The VM has not been probed yet.',
  ProbeForbidden: 'The address of the VM is in a private or link-local range, which probes may not be aimed at.',
  // Published
  Published: 'The Service leads to what is Ready.',
  NothingReady: 'The Service is there, and leads to nothing while nothing is Ready.',
  ServicePending: 'The Service has not been looked at yet.',
  ServiceConflict:
    'A Service, or EndpointSlice, of that name exists and belongs to somebody else. It is not touched: delete it, or give another spec.service.name.',
  NotPublishable:
    'A VM is Ready, but its address is none that a Service may lead to: a host name, or one that is loopback, private, link-local or reserved. The message says which.',
  ServiceRefused: 'The API server refuses to make or change the Service; the message has its words.',
  // UpToDate
  SizeMatches: 'The VM has the size that the spec asks for.',
  ResizePending: 'The VM is going to be resized.',
  ResizeRefused: 'The provider refuses to give the VM this size. Change the spec back, or delete and create anew.',
  ResizeOverPriceCap:
    'The VM would cost more than maxHourlyPrice with this size, and stays as it is; or it does, and is released.',
  ResizeNoCapacity: "The VM's host has no room for this size now. It stays as it is; looked at again by itself.",
  Drifted: 'Somebody changed the VM at the provider. It is left as it is; change the spec to match, or change it back.',
  // GpuPool
  MinimumReplicasAvailable: 'As many members are available as the pool has to have.',
  MinimumReplicasUnavailable:
    'Fewer members are available than the pool has to have; the message says what is waited for.',
  ReplicasChanging: 'Members are being made, replaced or deleted.',
  ReplicasAsWanted: 'The pool has the members that it is to have.',
  TemplateChanged: 'Members of an older template are being replaced.',
  WaitingForDeletion: 'Members of an older template are replaced when somebody deletes them (updateStrategy OnDelete).',
  BreakerOpen:
    'Too many replacements in a row did not become Ready: no further ones are made but for rare probes. The message says how to go on.',
  TooManyUnhealthy:
    'More members are unhealthy than repair.maxUnhealthyPercent allows: none is replaced but for rare probes. The message says how to go on.',
  // GpuBudget
  WithinBudget: 'There is room within all limits.',
  BudgetUsedUp: 'A limit is reached: no further VM is deployed or started. The message says which.',
  BudgetExceeded:
    'More is used than a limit allows, as it was lowered or reached by VMs that run. The message says which.',
  NearLimit: 'More than warnAtPercent of a limit is used; the message says which.',
  // GpuAccount
  Polling: 'The list of VMs is read at regular intervals.',
  CredentialsAccepted: 'The provider accepts key and token.',
  CredentialsSecretNotFound: 'The credentials Secret does not exist. Create it with the keys api_key and api_token.',
  CredentialsSecretInvalid: 'The credentials Secret lacks api_key or api_token.',
  CredentialsSecretForbidden:
    'The operator may not read the credentials Secret; the message says what it has to be allowed. Credentials that it read before go on being used.',
  CredentialsUnknown: 'The provider has not been asked yet, or did not answer.',
  OrganizationUnproven:
    'The credentials may be of another organization than the VMs that are recorded. Nothing is deployed, deleted, or taken for lost; the message of the account says what to do.',
  UnmanagedVmsReported:
    'VMs of this installation belong to no resource. They are only reported (spec.unmanagedVms); gpuvm unmanaged shows and deletes them.',
  UnmanagedVmsToBeDeleted:
    'VMs of this installation belong to no resource, and will be deleted after the grace period; the message says how to keep one.',
  UnmanagedVmsHeld:
    'So many VMs of this installation belong to no resource that it looks as if resources were missing, as in a cloned or restored cluster. None is deleted; the message says how to confirm that they are to go.',
  AccountInUse:
    'The account is being deleted, but resources still use it, or VMs of this installation are left that no resource owns. The message says which.',
  BalanceSufficient: 'The balance lasts for long enough.',
  BalanceShort:
    'The balance will soon last for too little; the message says for how long, and what happens then. Recharge it.',
  BalanceCritical:
    'The balance lasts for less than limits.releaseBelowRunway: VMs are released, those with the lowest priority first, and stay so until it lasts for limits.minRunway with them. Recharge it.',
} as const;

export type Reason = keyof typeof reasons;

/**
 * Reasons of Events that tell of something done once, and so are never the reason of a condition. The other Events have the
 * reason of the condition that has just begun.
 */
export const eventReasons = {
  Launched: 'The VM was deployed; the message has its id and its price.',
  LaunchRecovered: 'The answer to a deploy call was lost, but the list has the VM: the resource took it over.',
  LaunchAbsent: 'A deploy call had no certain answer, and two lists prove that it made no VM. Another one is deployed.',
  DuplicateDeleted: "A second VM that carries this resource's mark was deleted. The VM in status.vm stays.",
  Replaced: 'Another VM has taken the place of the one that was outbid; the message says how long its disk is kept.',
  Expired: 'The resource was older than spec.expireAfter, and was deleted.',
  MemberCreated: 'The pool has made a member.',
  MemberDeleted: 'The pool has deleted a member; the message says why.',
  BreakerClosed: 'A replacement became Ready: the pool repairs its members again.',
  Deleted: 'The VM is deleted, and the list no longer has it.',
  OrganizationConfirmed:
    'The annotation confirm-organization was acted on: VMs that the list of these credentials lacks count as gone.',
  UnmanagedVmsFound: 'VMs of this installation were seen that no resource owns; the message has their ids.',
  UnmanagedVmsDeleting: 'VMs that no resource owned for the whole grace period are deleted now.',
  UnmanagedVmsGone: 'VMs that no resource owned are deleted, and the list no longer has them.',
  Retained: 'The resource is gone, its VM stays at the provider (deletionPolicy Retain), and goes on billing.',
  Abandoned: 'The resource was let go by the abandon annotation. Its VM may still exist, and go on billing.',
} as const;

export type EventReason = Reason | keyof typeof eventReasons;
