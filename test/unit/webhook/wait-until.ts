/** Resolves when `condition` holds; rejects after `timeoutMs` with what was missing. */
export async function waitUntil(what: string, condition: () => boolean, timeoutMs = 5_000): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`after ${timeoutMs} ms still waiting for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
