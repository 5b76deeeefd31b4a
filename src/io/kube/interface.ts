// The words of this folder: what callers hold and what a fake in a test implements. No code. Those of the work queue stand
// with it: nobody fakes one.
import type { Clock } from '../process/clock.ts'
import type { Log } from '../telemetry/log.ts'

/** A kind of object as the API server serves it; constants in resources.ts. */
export interface Resource {
  /** Empty for the core group. */
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
}

export interface ObjectRef {
  readonly resource: Resource
  readonly namespace?: string | undefined
  readonly name: string
}

export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
}

export interface ObjectMeta {
  readonly name?: string
  readonly generateName?: string
  readonly namespace?: string
  readonly uid?: string
  readonly resourceVersion?: string
  readonly generation?: number
  readonly creationTimestamp?: string
  readonly deletionTimestamp?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly finalizers?: readonly string[]
  readonly ownerReferences?: readonly OwnerReference[]
  readonly [field: string]: unknown
}

/** Raw JSON as it came or as it is sent. Programs read it into values of core/model at once and keep it nowhere. */
export interface KubeObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: ObjectMeta
  readonly [field: string]: unknown
}

export interface KubeList {
  readonly items: readonly KubeObject[]
  readonly resourceVersion: string
  /** Set when there are more; passed back as `continue`. */
  readonly continue?: string | undefined
}

export type KubeErrorCode =
  /** 404. */
  | 'NotFound'
  /** 409 on a create. */
  | 'AlreadyExists'
  /** 409 otherwise: the object has changed since it was read, or a precondition or field owner stood against it. */
  | 'Conflict'
  /** 410: the resourceVersion or continue token is too old; list again. */
  | 'Gone'
  /** 401, also after the token was read again. */
  | 'Unauthorized'
  /** 403. */
  | 'Forbidden'
  /** 400, 415, 422: asking again will not help. */
  | 'Invalid'
  /** 429; `retryAfterMs` says when to come back, where the server did. */
  | 'TooManyRequests'
  /** No complete answer within the time allowed (ours, or the server's: 504). A write may have happened. */
  | 'Timeout'
  /** No connection, or it broke. A write may have happened. */
  | 'Unreachable'
  /** 5xx. A write may have happened. */
  | 'Server'
  /** An answer that is no JSON, or not of the shape asked for. A write may have happened. */
  | 'MalformedAnswer'

export interface KubeError {
  readonly code: KubeErrorCode
  /** One sentence, naming request and cause; never contains credentials. */
  readonly message: string
  /** HTTP status, when there was an answer. */
  readonly status?: number | undefined
  /** `reason` of the API server's Status object, when it sent one. */
  readonly reason?: string | undefined
  readonly retryAfterMs?: number | undefined
}

export type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: KubeError }

export interface CallOptions {
  /** Whole time for the call, retries included. Default: 30 s. */
  readonly timeoutMs?: number | undefined
}

export interface Selection {
  /** All namespaces when missing. */
  readonly namespace?: string | undefined
  readonly labelSelector?: string | undefined
  readonly fieldSelector?: string | undefined
}

export interface ListOptions extends Selection, CallOptions {
  readonly limit?: number | undefined
  readonly continue?: string | undefined
  /** Missing: a consistent read of the newest state. */
  readonly resourceVersion?: string | undefined
}

export interface WriteOptions extends CallOptions {
  /** The server goes through everything, admission included, and stores nothing. */
  readonly dryRun?: boolean | undefined
  readonly fieldManager?: string | undefined
}

export interface PatchOptions extends WriteOptions {
  /** RFC 6902, RFC 7396, or server-side apply (needs `fieldManager`). */
  readonly type: 'json' | 'merge' | 'apply'
  readonly body: unknown
  readonly subresource?: 'status' | undefined
  /** Apply only: take over fields that another manager owns. */
  readonly force?: boolean | undefined
}

export interface DeleteOptions extends CallOptions {
  /** Preconditions: otherwise Conflict. */
  readonly uid?: string | undefined
  readonly resourceVersion?: string | undefined
}

export interface WatchOptions extends Selection {
  readonly resourceVersion: string
  /** The server ends the watch after about this long; the client cuts it a little later when the server did not. */
  readonly timeoutSeconds: number
}

export interface WatchEvent {
  /** ERROR events never get here: they end the watch. A BOOKMARK's object has only a resourceVersion. */
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'
  readonly object: KubeObject
}

export interface Watch {
  /** Resolves once, when no event will come any more: ok when the server or `stop` ended it in good order. */
  readonly ended: Promise<Answer<void>>
  stop(): void
}

/** Calls never throw and never reject: whatever happens is an Answer. */
export interface KubeClient {
  /** Consistent read. */
  get(ref: ObjectRef, options?: CallOptions): Promise<Answer<KubeObject>>
  list(resource: Resource, options?: ListOptions): Promise<Answer<KubeList>>
  /** The namespace is taken from `object.metadata`. */
  create(resource: Resource, object: KubeObject, options?: WriteOptions): Promise<Answer<KubeObject>>
  patch(ref: ObjectRef, options: PatchOptions): Promise<Answer<KubeObject>>
  /** PUT: only for objects that are wholly ours, which means Leases. */
  replace(ref: ObjectRef, object: KubeObject, options?: WriteOptions): Promise<Answer<KubeObject>>
  delete(ref: ObjectRef, options?: DeleteOptions): Promise<Answer<void>>
  /** For the reflector: use openReflector. */
  watch(resource: Resource, options: WatchOptions, onEvent: (event: WatchEvent) => void): Watch
  /** Ends what is under way and closes idle connections. */
  close(): void
}

/** A read-only view by key: `namespace/name`, or `name` for cluster-scoped objects. */
export interface Store<T> {
  get(key: string): T | undefined
  readonly size: number
  keys(): Iterable<string>
  values(): Iterable<T>
  entries(): Iterable<readonly [string, T]>
}

export interface ReflectorOptions<T> extends Selection {
  readonly resource: Resource
  /** Cuts an object down to what is kept; undefined when it is of no interest: then it is absent. Must not throw. */
  readonly read: (object: KubeObject) => T | undefined
  /**
   * Called after the store has changed, in the server's order; after a new list for the differences only. Also before
   * `synced`. What it throws is logged.
   */
  readonly onChange: (key: string, before: T | undefined, after: T | undefined) => void
  readonly clock: Clock
  readonly log: Log
  /** 0 ≤ x < 1, for jitter. Default: Math.random. */
  readonly random?: (() => number) | undefined
}

export interface Reflector<T> {
  readonly store: Store<T>
  /** Resolves when the first list is in the store and onChange was called for it; never while lists fail. */
  readonly synced: Promise<void>
  /** Whether `synced` has resolved: for readiness. */
  isSynced(): boolean
  /**
   * Wall time up to which the view is known to have been current: when the last list was asked for, or when the last
   * event or bookmark came in. Moves about once a minute when nothing changes; stands still while the server is away.
   * It is our time of receipt: what was on its way at that moment (milliseconds, normally) may be missing.
   */
  currentUpToMs(): number | undefined
  /** What is in the store is the state of this version, or of a later one; undefined: it has to be listed first. */
  resourceVersion(): string | undefined
  /** Resolves when no further onChange will come. The store keeps its last view. */
  stop(): Promise<void>
}

export interface LeaderElectionOptions {
  readonly client: KubeClient
  readonly namespace: string
  readonly name: string
  /** Unique to this process. */
  readonly identity: string
  /** Others wait this long after the last renewal they saw. */
  readonly leaseDurationMs: number
  /** The leader gives up when it could not renew for so long; below leaseDurationMs. */
  readonly renewDeadlineMs: number
  readonly retryPeriodMs: number
  readonly clock: Clock
  readonly random: () => number
  readonly log: Log
  readonly onStartedLeading: () => void
  /** Stop writing before this returns (or resolves): after it the Lease may be released to another. */
  readonly onStoppedLeading: () => void | Promise<void>
}

export interface LeaderElection {
  isLeader(): boolean
  /** Stops leading (onStoppedLeading is called), then releases the Lease, so that the next one leads at once. */
  stop(): Promise<void>
}

/** What an event is about. */
export interface EventSubject {
  readonly apiVersion: string
  readonly kind: string
  readonly namespace?: string | undefined
  readonly name: string
  readonly uid?: string | undefined
}

export interface EventsOptions {
  readonly client: KubeClient
  /** `reportingController`, e.g. `bellhop-controller`. */
  readonly component: string
  /** `reportingInstance`: the Pod's name. */
  readonly instance: string
  readonly clock: Clock
  readonly log: Log
  /** Default 10. */
  readonly normalPerSecond?: number | undefined
  /** Default 50. */
  readonly warningPerSecond?: number | undefined
}

export interface Events {
  /** Best effort, returns at once. The same again soon is counted in the series of the first. */
  record(about: EventSubject, type: 'Normal' | 'Warning', reason: string, message: string): void
  /** Sends what waits, without regard to the rates; resolves when it was tried. For shutdown. */
  flush(): Promise<void>
  /** Events that were not sent, since the start. */
  dropped(): number
}
