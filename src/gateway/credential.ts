import type { TaskRecord } from '../tasks/task-table.ts'
import type { Gateway } from './gateway.ts'

/** A caller's own key for an upstream. */
export interface Credential {
  apiKey: string
  /** Where the key is good; absent: where the model is usually asked for. */
  apiBase?: string | undefined
}

/** A key as it may lie in the row of a task, and nowhere else. */
export const sealCredential = (
  { vault }: Pick<Gateway, 'vault'>,
  taskId: string,
  credential: Credential,
): string => vault.seal(JSON.stringify(credential), taskId)

/** The caller's own key of a task, where it has one. */
export const credentialOf = (
  { vault }: Pick<Gateway, 'vault'>,
  { id, credential }: Pick<TaskRecord, 'id' | 'credential'>,
): Credential | undefined => (credential === undefined ? undefined : JSON.parse(vault.open(credential, id)))
