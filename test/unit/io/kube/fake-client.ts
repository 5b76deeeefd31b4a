import type {
  Answer,
  KubeClient,
  KubeError,
  KubeObject,
  ObjectRef,
  PatchOptions,
  Resource,
} from '../../../../src/io/kube/index.ts'

export interface RecordingClient extends KubeClient {
  readonly creates: readonly { readonly resource: Resource; readonly object: KubeObject; readonly atMs: number }[]
  readonly patches: readonly { readonly ref: ObjectRef; readonly options: PatchOptions; readonly atMs: number }[]
  /** From now on every write gets this answer; undefined: success. */
  failWith(error: KubeError | undefined): void
}

/** Keeps what is written and says yes; reading and watching are not for it: they fail the test. */
export function recordingClient(nowMs: () => number): RecordingClient {
  const creates: RecordingClient['creates'][number][] = []
  const patches: RecordingClient['patches'][number][] = []
  let failure: KubeError | undefined
  const unexpected = (): never => {
    throw new Error('this test expects writes only')
  }
  const answer = (value: KubeObject): Promise<Answer<KubeObject>> =>
    Promise.resolve(failure === undefined ? { ok: true, value } : { ok: false, error: failure })
  return {
    creates,
    patches,
    failWith: (error) => void (failure = error),
    create: (resource, object) => {
      creates.push({ resource, object, atMs: nowMs() })
      return answer(object)
    },
    patch: (ref, options) => {
      patches.push({ ref, options, atMs: nowMs() })
      return answer({ apiVersion: '', kind: ref.resource.kind, metadata: { name: ref.name } })
    },
    get: unexpected,
    list: unexpected,
    replace: unexpected,
    delete: unexpected,
    watch: unexpected,
    close: () => {},
  }
}
