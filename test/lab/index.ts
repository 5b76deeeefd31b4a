// The lab: a whole network in namespaces, a real control plane, real routers, Bellhop as its manifests say. README.md
// tells who is who and how it works.
export { type CommandResult, inNamespace, readCommand, runCommand } from './command.ts'
export { type Lab, type LabOptions, startLab } from './lab.ts'
export type { PodRun } from './pod-run.ts'
export type { ProgramHandle } from './program-handle.ts'
export { defaultPrefix, labFiles, type LabRecord, type ProgramRecord, readRecord } from './record.ts'
export type { BgpPath } from './routers.ts'
export * from './topology.ts'
export { waitFor } from './wait.ts'
