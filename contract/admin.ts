import { type Static, Type } from 'typebox'

/*
 * The admin's account and session under `/api/v1/admin`. Unknown fields are ignored.
 */

/** In characters. */
export const USERNAME_LENGTH = { minimum: 3, maximum: 64 }
export const PASSWORD_LENGTH = { minimum: 8, maximum: 256 }

/** What a user name looks like: no control characters, no white space at either end. */
export const USERNAME_PATTERN = '^(?!\\s)[^\\p{C}]+(?<!\\s)$'

const newPassword = Type.String({ minLength: PASSWORD_LENGTH.minimum, maxLength: PASSWORD_LENGTH.maximum })
/** Long enough for any that was ever allowed. */
const anyPassword = Type.String({ maxLength: 1024 })

export const SetupRequest = Type.Object({
  username: Type.String({
    minLength: USERNAME_LENGTH.minimum,
    maxLength: USERNAME_LENGTH.maximum,
    pattern: USERNAME_PATTERN,
  }),
  password: newPassword,
  setup: Type.Optional(
    Type.String({ maxLength: 200, description: 'What stands behind `?setup=` in the link of the terminal.' }),
  ),
})
export type SetupRequest = Static<typeof SetupRequest>

export const SetupQuery = Type.Object({ setup: Type.Optional(Type.String({ maxLength: 200 })) })
export type SetupQuery = Static<typeof SetupQuery>

export const LoginRequest = Type.Object({ username: Type.String({ maxLength: 1024 }), password: anyPassword })
export type LoginRequest = Static<typeof LoginRequest>

export const PasswordRequest = Type.Object({ old: anyPassword, new: newPassword })
export type PasswordRequest = Static<typeof PasswordRequest>

export const AccessStatus = Type.Object({
  needs_setup: Type.Boolean({ description: 'Whether the account is still to be made.' }),
  signed_in: Type.Boolean({ description: 'Whether the session of this request is good.' }),
  username: Type.Optional(Type.String({ description: 'Whose session it is.' })),
  locked: Type.Optional(
    Type.Boolean({ description: 'Whether the environment of the server sets name and password.' }),
  ),
})
export type AccessStatus = Static<typeof AccessStatus>

/** The answer to what was done. */
export const Done = Type.Object({ success: Type.Literal(true), message: Type.String() })

/** The same with figures. */
export const DoneWith = <Data extends Parameters<typeof Type.Object>[0][string]>(data: Data) =>
  Type.Object({ success: Type.Literal(true), message: Type.String(), data })
