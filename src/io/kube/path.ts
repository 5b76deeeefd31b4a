import type { Resource } from './interface.ts'

export type QueryValue = string | number | boolean | undefined

/** Path of a collection, an object or its subresource (Kubernetes API concepts, "Resource URIs"). */
export function resourcePath(
  { group, version, plural }: Resource,
  { namespace, name, subresource }: { namespace?: string | undefined; name?: string; subresource?: string | undefined },
): string {
  const steps = group === '' ? ['api', version] : ['apis', group, version]
  if (namespace !== undefined && namespace !== '') steps.push('namespaces', namespace)
  steps.push(plural)
  if (name !== undefined) steps.push(name)
  if (subresource !== undefined) steps.push(subresource)
  return `/${steps.map(encodeURIComponent).join('/')}`
}

/** `path?a=b`; what is undefined is left out. */
export function withQuery(path: string, query: Readonly<Record<string, QueryValue>>): string {
  const pairs = Object.entries(query)
    .filter((pair): pair is [string, string | number | boolean] => pair[1] !== undefined)
    .map(([key, value]) => `${key}=${encodeURIComponent(value)}`)
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`
}
