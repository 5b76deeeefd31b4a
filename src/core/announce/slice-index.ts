// EndpointSlices by the Service they belong to.
import type { EndpointSlice } from '../model/index.ts'

export class SliceIndex {
  readonly #byService = new Map<string, Map<string, EndpointSlice>>()

  /** Key `namespace/name` of the Service → its slices by name. */
  get byService(): ReadonlyMap<string, ReadonlyMap<string, EndpointSlice>> {
    return this.#byService
  }

  of(service: string): readonly EndpointSlice[] {
    return [...(this.#byService.get(service)?.values() ?? [])]
  }

  put(slice: EndpointSlice): void {
    const service = serviceKeyOf(slice)
    const known = this.#byService.get(service) ?? new Map<string, EndpointSlice>()
    this.#byService.set(service, known.set(slice.name, slice))
  }

  /** Only this very object: one that leaves one watch may have come with another already. */
  remove(slice: EndpointSlice): void {
    const service = serviceKeyOf(slice)
    const known = this.#byService.get(service)
    if (known?.get(slice.name) === slice) known.delete(slice.name)
    if (known?.size === 0) this.#byService.delete(service)
  }

  clear(): void {
    this.#byService.clear()
  }
}

/** Key of the Service that the slice belongs to. */
export function serviceKeyOf({ namespace, service }: EndpointSlice): string {
  return `${namespace}/${service}`
}
