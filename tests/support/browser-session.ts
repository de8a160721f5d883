// A browser without a screen: keeps cookies, follows redirects only when told, posts forms.

/** One browser profile. */
export class BrowserSession {
  private readonly cookies = new Map<string, { readonly value: string; readonly path: string }>();

  /** Sends a request with the cookies of this session; redirects are not followed. */
  async visit(url: string, form?: Readonly<Record<string, string>>): Promise<Response> {
    const { pathname } = new URL(url);
    const cookie = [...this.cookies]
      .filter(([, { path }]) => pathname === path || pathname.startsWith(path.endsWith("/") ? path : `${path}/`))
      .map(([name, { value }]) => `${name}=${value}`)
      .join("; ");
    const response = await fetch(url, {
      redirect: "manual",
      headers: cookie === "" ? {} : { cookie },
      ...(form === undefined ? {} : { method: "POST", body: new URLSearchParams(form) }),
    });
    for (const line of response.headers.getSetCookie()) this.keep(line);
    return response;
  }

  /** Follows redirects until the answer is none, or leads to `stopAt`; returns that answer. */
  async follow(
    url: string,
    stopAt: string,
  ): Promise<{ readonly url: string; readonly response: Response | undefined }> {
    for (let next = url, count = 0; count < 10; count++) {
      if (next.startsWith(stopAt)) return { url: next, response: undefined };
      const response = await this.visit(next);
      const location = response.headers.get("location");
      if (location === null) return { url: next, response };
      next = new URL(location, next).href;
    }
    throw new Error("more than ten redirects");
  }

  private keep(line: string): void {
    const [pair = "", ...attributes] = line.split(/; */);
    const [name = "", value = ""] = pair.split(/=(.*)/s);
    const path = attributes.find((attribute) => attribute.toLowerCase().startsWith("path="))?.slice(5) ?? "/";
    if (/expires=Thu, 01 Jan 1970/i.test(line)) this.cookies.delete(name);
    else this.cookies.set(name, { value, path });
  }
}
