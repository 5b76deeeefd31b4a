/**
 * Whether one resourceVersion of an object is older than another. They count up (KEP-5504 says so for all servers; etcd
 * always did); what is no number is never called older, so that the watch has the last word.
 */
export function isOlderVersion(a: string, b: string): boolean {
  return /^\d+$/.test(a) && /^\d+$/.test(b) && BigInt(a) < BigInt(b)
}
