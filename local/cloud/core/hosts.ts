// AWS host names and where they answer locally. Resource outputs keep AWS's own names; what leaves for a person, a browser or a
// function is translated here, in one place, so that programs need not know of the local run.

/** Maps URL prefixes of AWS ("https://d111.cloudfront.net") to local origins ("http://127.0.0.1:4003"). */
export class HostMap {
  private readonly entries = new Map<string, string>();

  /** @param awsUrl without a trailing slash. @param localUrl without a trailing slash. */
  add(awsUrl: string, localUrl: string): void {
    this.entries.set(awsUrl, localUrl);
  }

  remove(awsUrl: string): void {
    this.entries.delete(awsUrl);
  }

  all(): ReadonlyMap<string, string> {
    return this.entries;
  }

  /** Copy of `value` in which every known AWS URL inside any string is replaced by its local one. Buffers pass untouched. */
  localise<T>(value: T): T {
    return this.walk(value) as T;
  }

  private walk(value: unknown): unknown {
    if (typeof value === "string") return this.replace(value);
    if (Array.isArray(value)) return value.map((item) => this.walk(item));
    if (value !== null && typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype) {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.walk(item)]));
    }
    return value;
  }

  private replace(text: string): string {
    if (!text.includes("://")) return text;
    let result = text;
    for (const [awsUrl, localUrl] of this.entries) {
      if (result.includes(awsUrl)) result = result.replaceAll(awsUrl, localUrl);
    }
    return result;
  }
}
