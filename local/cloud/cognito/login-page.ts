// The sign-in page and the error page. No script, no remote content; light and dark; usable from 320 px up.

/** What the sign-in page shows. */
export interface LoginView {
  /** "sign-in" asks for name and password; "new-password" replaces a temporary password. */
  readonly step: "sign-in" | "new-password";
  readonly poolName: string;
  readonly clientName: string;
  /** Where the form is posted to. */
  readonly action: string;
  readonly username: string;
  readonly usernameLabel: "Email" | "Username";
  /** Message about the last attempt. */
  readonly error?: string;
}

const styles = `
:root { color-scheme: light dark; --page: #f2f4f8; --card: #ffffff; --text: #16191f; --muted: #566073; --line: #8a94a6;
  --accent: #1d4ed8; --accent-text: #ffffff; --error: #b3261e; --error-page: #fdecea; }
@media (prefers-color-scheme: dark) { :root { --page: #0f141c; --card: #1a212d; --text: #eef2f8; --muted: #a7b2c5;
  --line: #6b788e; --accent: #8ab4ff; --accent-text: #0b1526; --error: #ffb4ab; --error-page: #3b1a19; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; min-height: 100dvh; display: grid; place-items: center; padding: 16px;
  background: var(--page); color: var(--text); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { width: 100%; max-width: 400px; background: var(--card); border-radius: 16px; padding: 32px 28px;
  box-shadow: 0 1px 2px rgb(0 0 0 / .12), 0 12px 32px rgb(0 0 0 / .10); }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 4px; }
p { margin: 0 0 20px; color: var(--muted); }
label { display: block; font-weight: 600; margin: 16px 0 6px; }
input { width: 100%; min-height: 44px; padding: 10px 12px; font: inherit; color: inherit; background: transparent;
  border: 1px solid var(--line); border-radius: 10px; }
input:focus-visible, button:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
button { width: 100%; min-height: 46px; margin-top: 24px; font: inherit; font-weight: 650; border: 0; border-radius: 10px;
  background: var(--accent); color: var(--accent-text); cursor: pointer; }
button:hover { filter: brightness(1.08); }
.error { margin: 0 0 8px; padding: 10px 12px; border-radius: 10px; background: var(--error-page); color: var(--error);
  font-weight: 600; }
small { display: block; margin-top: 20px; color: var(--muted); }
code { overflow-wrap: anywhere; }`;

/** The sign-in page. `nonce` is the one of the page's content security policy. */
export function renderLogin(view: LoginView, nonce: string): string {
  const signIn = view.step === "sign-in";
  const title = signIn ? "Sign in" : "Choose a new password";
  const intro = signIn ? `to continue to ${view.clientName}` : "The password you signed in with was temporary.";
  const invalid = view.error === undefined ? "" : ` aria-invalid="true" aria-describedby="error"`;
  const fields = signIn
    ? field(
        "username",
        view.usernameLabel,
        "text",
        "username",
        `value="${escape(view.username)}"${invalid} autofocus`,
      ) + field("password", "Password", "password", "current-password", invalid)
    : field("new_password", "New password", "password", "new-password", `${invalid} autofocus`);
  const error = view.error === undefined ? "" : `<p class="error" id="error" role="alert">${escape(view.error)}</p>`;
  return page(
    title,
    `<h1>${title}</h1><p>${escape(intro)}</p>${error}
<form method="post" action="${escape(view.action)}">${fields}
<button type="submit">${signIn ? "Sign in" : "Save and continue"}</button></form>
<small>Local user pool ${escape(view.poolName)}. ${signIn ? "<code>npm start</code> prints the demo user and password." : ""}</small>`,
    nonce,
  );
}

/** The page for requests that must not be redirected anywhere. */
export function renderError(code: string, reason: string, nonce: string): string {
  const body = `<h1>An error was encountered with the requested page.</h1>
<p class="error" role="alert"><code>${escape(code)}</code></p><p>${escape(reason)}</p>`;
  return page("Error", body, nonce);
}

/** Headers of both pages. No form-action: it would also block the redirect to the application after signing in. */
export function pageHeaders(nonce: string): Record<string, string> {
  return {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": `default-src 'none'; img-src data:; style-src 'nonce-${nonce}'; base-uri 'none'; frame-ancestors 'none'`,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
  };
}

function field(name: string, label: string, type: string, autocomplete: string, extra: string): string {
  return `<label for="${name}">${label}</label>
<input id="${name}" name="${name}" type="${type}" autocomplete="${autocomplete}" autocapitalize="none" spellcheck="false" required ${extra}>`;
}

function page(title: string, body: string, nonce: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title>
<link rel="icon" href="data:,"><style nonce="${nonce}">${styles}</style></head><body><main>${body}</main></body></html>`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
