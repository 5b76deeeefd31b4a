// A tar archive (POSIX.1-2001 ustar) of small text files, and nothing a tar can hold besides: no library is kept for it,
// since the format is one header of 512 octets before each file.
import { gzipSync } from 'node:zlib'

export interface TextFile {
  /** Relative, with `/`; at most 255 octets. */
  readonly path: string
  readonly text: string
}

const block = 512

/** `folder`: of all files, so that unpacking makes one folder. `mtimeMs`: since 1970. */
export function packFiles(folder: string, files: readonly TextFile[], mtimeMs: number): Buffer {
  const parts: Buffer[] = []
  for (const { path, text } of files) {
    const body = Buffer.from(text, 'utf8')
    parts.push(headerOf(`${folder}/${path}`, body.length, mtimeMs), body, Buffer.alloc(-body.length & (block - 1)))
  }
  // Two empty blocks end an archive.
  return gzipSync(Buffer.concat([...parts, Buffer.alloc(2 * block)]))
}

function headerOf(path: string, size: number, mtimeMs: number): Buffer {
  const { prefix, name } = splitPath(path)
  const header = Buffer.alloc(block)
  const put = (text: string, at: number): void => void header.write(text, at, 'utf8')
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`
  put(name, 0)
  put(octal(0o644, 7), 100)
  put(octal(0, 7), 108)
  put(octal(0, 7), 116)
  put(octal(size, 11), 124)
  put(octal(Math.floor(mtimeMs / 1000), 11), 136)
  put(' '.repeat(8), 148)
  put('0', 156)
  put('ustar\u000000', 257)
  put(prefix, 345)
  const sum = header.reduce((total, octet) => total + octet, 0)
  put(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}

// 100 octets of name; up to 155 more before one of its slashes.
function splitPath(path: string): { readonly prefix: string; readonly name: string } {
  const length = (text: string): number => Buffer.byteLength(text)
  if (length(path) <= 100) return { prefix: '', name: path }
  for (let at = path.indexOf('/'); at > 0; at = path.indexOf('/', at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)]
    if (length(name) <= 100 && length(prefix) <= 155) return { prefix, name }
  }
  throw new Error(`the path is too long for a tar archive: ${path}`)
}
