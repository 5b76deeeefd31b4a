// One object of a manifest, as -f names it: a file, or `-` for standard input; YAML or JSON.
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { type KubeObjectLike, stringAt } from '../src/core/model/index.ts'

export type ReadManifest =
  | { readonly ok: true; readonly object: KubeObjectLike }
  /** One sentence. */
  | { readonly ok: false; readonly message: string }

/** Exactly one object of that kind; others beside it are passed over. */
export async function readManifest(file: string, kind: string): Promise<ReadManifest> {
  let source: string
  try {
    source = file === '-' ? await text(process.stdin) : await readFile(file, 'utf8')
  } catch (error) {
    return { ok: false, message: `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}` }
  }
  return parseManifest(source, kind, file === '-' ? 'standard input' : file)
}

export async function parseManifest(source: string, kind: string, name: string): Promise<ReadManifest> {
  const { parseAllDocuments } = await import('yaml')
  const documents = parseAllDocuments(source)
  const objects: KubeObjectLike[] = []
  for (const document of 'empty' in documents ? [] : documents) {
    const [error] = document.errors
    if (error !== undefined) return { ok: false, message: `${name} is no YAML: ${error.message.split('\n', 1)[0]}` }
    const value = document.toJS() as unknown
    if (stringAt(value, 'kind') === kind) objects.push(value as KubeObjectLike)
  }
  const [object] = objects
  if (object === undefined || objects.length > 1) {
    return { ok: false, message: `${name} must hold one object of kind ${kind}; it holds ${objects.length}` }
  }
  if (
    stringAt(object, 'metadata', 'name') === undefined &&
    stringAt(object, 'metadata', 'generateName') === undefined
  ) {
    return { ok: false, message: `the ${kind} in ${name} has no metadata.name` }
  }
  return { ok: true, object }
}
