import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Facts } from '../facts.ts'
import { createTable, required } from './create-table.ts'

/** The tables of the first release. */
export const foundation = (facts: Facts): Migration => ({
  up: async (query) => {
    await createAccess(query, facts)
    await createTasks(query, facts)
    await createLibrary(query, facts)
    await createQueue(query, facts)
  },
})

async function createAccess(query: Kysely<unknown>, facts: Facts): Promise<void> {
  const { varchar, text } = facts
  await createTable(query, facts, 'api_key', (table) =>
    table
      .addColumn('id', varchar(36), (column) => column.primaryKey())
      .addColumn('name', varchar(255), required)
      .addColumn('hash', varchar(64), (column) => column.notNull().unique())
      .addColumn('prefix', varchar(32), required)
      .addColumn('images_format', varchar(16))
      .addColumn('created_at', 'bigint', required)
      .addColumn('disabled_at', 'bigint')
      .addColumn('last_used_at', 'bigint'),
  )
  await createTable(query, facts, 'session', (table) =>
    table
      .addColumn('hash', varchar(64), (column) => column.primaryKey())
      .addColumn('created_at', 'bigint', required)
      .addColumn('expires_at', 'bigint', required),
  )
  await createTable(query, facts, 'setting', (table) =>
    table.addColumn('name', varchar(64), (column) => column.primaryKey()).addColumn('value', text, required),
  )
}

async function createTasks(query: Kysely<unknown>, facts: Facts): Promise<void> {
  const { varchar, text } = facts
  await createTable(
    query,
    facts,
    'task',
    (table) =>
      table
        .addColumn('id', varchar(36), (column) => column.primaryKey())
        .addColumn('mode', varchar(16), required)
        .addColumn('owner', varchar(64), required)
        .addColumn('status', varchar(16), required)
        .addColumn('job', text, required)
        .addColumn('total', 'integer', required)
        .addColumn('completed', 'integer', required)
        .addColumn('failed', 'integer', required)
        .addColumn('error', text)
        .addColumn('warnings', text)
        .addColumn('usage_json', text)
        .addColumn('idempotency_key', varchar(255))
        .addColumn('request_hash', varchar(64))
        .addColumn('webhook_url', text)
        .addColumn('created_at', 'bigint', required)
        .addColumn('started_at', 'bigint')
        .addColumn('finished_at', 'bigint')
        .addUniqueConstraint('task_owner_idempotency_key', ['owner', 'idempotency_key']),
    [['status', 'created_at']],
  )
  await createTable(
    query,
    facts,
    'task_input',
    (table) =>
      table
        .addColumn('task_id', varchar(36), required)
        .addColumn('role', varchar(16), required)
        .addColumn('position', 'integer', required)
        .addColumn('sha256', varchar(64), required)
        .addPrimaryKeyConstraint('task_input_primary', ['task_id', 'role', 'position']),
    [['sha256']],
  )
}

async function createLibrary(query: Kysely<unknown>, facts: Facts): Promise<void> {
  const { varchar, text } = facts
  await createTable(
    query,
    facts,
    'blob',
    (table) =>
      table
        .addColumn('sha256', varchar(64), (column) => column.primaryKey())
        .addColumn('bytes', 'bigint', required)
        .addColumn('mime', varchar(32), required)
        .addColumn('width', 'integer', required)
        .addColumn('height', 'integer', required)
        .addColumn('reference_count', 'integer', required)
        .addColumn('thumbhash', varchar(64))
        .addColumn('phash', varchar(16))
        .addColumn('derived_at', 'bigint')
        .addColumn('derive_error', text)
        .addColumn('created_at', 'bigint', required),
    [['derived_at', 'created_at']],
  )
  await createTable(
    query,
    facts,
    'image',
    (table) =>
      table
        .addColumn('id', varchar(36), (column) => column.primaryKey())
        .addColumn('task_id', varchar(36), required)
        .addColumn('position', 'integer', required)
        .addColumn('owner', varchar(64), required)
        .addColumn('sha256', varchar(64), required)
        .addColumn('provider', varchar(64), required)
        .addColumn('model', varchar(255), required)
        .addColumn('upstream_model', varchar(255), required)
        .addColumn('prompt', text, required)
        .addColumn('revised_prompt', text)
        .addColumn('seed', 'bigint')
        .addColumn('width', 'integer', required)
        .addColumn('height', 'integer', required)
        .addColumn('bytes', 'bigint', required)
        .addColumn('mime', varchar(32), required)
        .addColumn('signature', text)
        .addColumn('details', text)
        .addColumn('parent_id', varchar(36))
        .addColumn('parent_kind', varchar(16))
        .addColumn('created_at', 'bigint', required)
        .addColumn('deleted_at', 'bigint'),
    // Ids sort by time, so there is no index on times.
    [['task_id', 'position'], ['sha256'], ['owner', 'id']],
  )
}

async function createQueue(query: Kysely<unknown>, facts: Facts): Promise<void> {
  const { varchar, text } = facts
  await createTable(
    query,
    facts,
    'job',
    (table) =>
      table
        .addColumn('id', varchar(64), (column) => column.primaryKey())
        .addColumn('queue', varchar(32), required)
        .addColumn('payload', text, required)
        .addColumn('state', varchar(16), required)
        .addColumn('attempts', 'integer', required)
        .addColumn('max_attempts', 'integer', required)
        .addColumn('run_at', 'bigint', required)
        .addColumn('lease_until', 'bigint')
        .addColumn('worker', varchar(128))
        .addColumn('error', text)
        .addColumn('created_at', 'bigint', required),
    [['queue', 'state', 'run_at']],
  )
}
