// EndpointSlices by the Service they belong to.
import { type EndpointSlice, keyOf } from '../model/index.ts'

export class SliceIndex {
  // Most Services have one: a map for each would take more room than all else that is known of it.
  readonly #byService = new Map<string, readonly EndpointSlice[]>()

  /** Key `namespace/name` of the Service → its slices. */
  get byService(): ReadonlyMap<string, readonly EndpointSlice[]> {
    return this.#byService
  }

  of(service: string): readonly EndpointSlice[] {
    return this.#byService.get(service) ?? []
  }

  put(slice: EndpointSlice): void {
    const service = serviceKeyOf(slice)
    const others = this.of(service).filter(({ name }) => name !== slice.name)
    this.#byService.set(service, [...others, slice])
  }

  /** Only this very object: one that leaves one watch may have come with another already. */
  remove(slice: EndpointSlice): void {
    const service = serviceKeyOf(slice)
    const others = this.of(service).filter((each) => each !== slice)
    if (others.length > 0) this.#byService.set(service, others)
    else this.#byService.delete(service)
  }

  clear(): void {
    this.#byService.clear()
  }
}

/** Key of the Service that the slice belongs to. */
export function serviceKeyOf({ namespace, service }: EndpointSlice): string {
  return keyOf({ namespace, name: service })
}
