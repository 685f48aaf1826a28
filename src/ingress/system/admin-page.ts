import { createHash } from 'node:crypto'
import { PASSWORD_LENGTH, USERNAME_LENGTH } from '../../../contract/admin.ts'
import { STYLE } from './home-page.ts'

export interface AdminPage {
  /** Whether the admin account is made. */
  hasAccount: boolean
  /** Whether the visitor followed a setup link, and whether it is good. */
  cameWithLink: boolean
  isLinkGood: boolean
}

/** The page on which the admin account is made, or the admin signs in. */
export function adminPage({ hasAccount, cameWithLink, isLinkGood }: AdminPage): string {
  if (hasAccount) return page('Sign in', cameWithLink ? USED : '', form(LOGIN))
  if (isLinkGood) return page('Make the admin account', NEW, form(SETUP))
  return page('No admin account yet', cameWithLink ? OUTDATED : NO_LINK, '')
}

const USED = 'This link has done its work: the account is there. Sign in with its name and password.'
const NEW = 'Choose a name and a password. With them you sign in from any browser.'
const OUTDATED = 'This link is wrong or outdated. The server prints a new one each time it starts.'
const NO_LINK = 'Open the admin link that the server printed when it started.'

const SETUP = {
  action: 'setup',
  button: 'Make the account',
  autocomplete: 'new-password',
  limits: `minlength="${PASSWORD_LENGTH.minimum}" maxlength="${PASSWORD_LENGTH.maximum}"`,
  nameLimits: `minlength="${USERNAME_LENGTH.minimum}" maxlength="${USERNAME_LENGTH.maximum}"`,
}
const LOGIN = {
  action: 'login',
  button: 'Sign in',
  autocomplete: 'current-password',
  limits: '',
  nameLimits: '',
}

const form = ({ action, button, autocomplete, limits, nameLimits }: typeof SETUP) => `
<form data-action="/api/v1/admin/${action}">
<label>Name <input name="username" autocomplete="username" required autofocus ${nameLimits}></label>
<label>Password <input name="password" type="password" autocomplete="${autocomplete}" required ${limits}></label>
<button>${button}</button>
<p class="problem" role="alert"></p>
</form>`

const page = (title: string, lead: string, content: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Pictor</title>
<style>${STYLE}${FORM_STYLE}</style>
</head>
<body>
<main class="narrow">
<h1>${title}</h1>
<p class="lead">${lead}</p>
${content}
</main>
${content === '' ? '' : `<script>${SCRIPT}</script>`}
</body>
</html>
`

/** The token stays in the address until it is used, so that a preview of the link does not use it up. */
const SCRIPT = `
const form = document.querySelector('form')
form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const problem = form.querySelector('.problem')
  problem.textContent = ''
  const setup = new URLSearchParams(location.search).get('setup')
  const fields = Object.fromEntries(new FormData(form))
  try {
    const reply = await window.fetch(form.dataset.action, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'accept-language': 'en' },
      body: JSON.stringify(setup === null ? fields : { ...fields, setup }),
    })
    if (reply.ok) location.replace('/')
    else problem.textContent = (await reply.json()).message
  } catch {
    problem.textContent = 'The server does not answer.'
  }
})
`

/** Names the one script that a page of ours may run, as a Content-Security-Policy does. */
export const ADMIN_PAGE_SCRIPT = `'sha256-${createHash('sha256').update(SCRIPT).digest('base64')}'`

const FORM_STYLE = `
.narrow { max-width: 440px; }
form { display: grid; gap: 16px; }
label { display: grid; gap: 6px; font-weight: 550; }
input, button { font: inherit; padding: 10px 12px; border-radius: 10px; border: 1px solid var(--muted); background: var(--ground); color: inherit; }
button { border-color: var(--accent); background: var(--accent); color: #fff; font-weight: 600; cursor: pointer; }
input:focus-visible, button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.problem { margin: 0; color: var(--accent); }
`
