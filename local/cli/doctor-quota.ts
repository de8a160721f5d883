// The caller's unfinished uploads, against the quota and the time at which they are abandoned.
import type { ListUploadsResponse, UploadDescription } from "../../handlers/upload/contract";
import { ask, type DoctorSurroundings, type DoctorTarget, ok, problem, type Verdict, warning } from "./doctor-verdict";

/** Share of the quota from which on it is worth a word. */
const NEAR = 0.8;
/** The sweeper has this long to settle an upload that is due. */
const SWEEP_HOURS = 2;
const OLD_DAYS = 7;
const HOUR_MS = 60 * 60 * 1000;
/** More uploads than any quota admits. */
const MOST_PAGES = 101;

/** Whether the user can start further uploads, and whether abandoned ones are cleared away. */
export async function checkQuota(target: DoctorTarget, { fetch, now }: DoctorSurroundings): Promise<Verdict> {
  const { token, openLimit } = target;
  if (token === undefined) {
    return warning("was not checked: there is no token", "give the ID token of a signed-in user with --token");
  }
  const uploads = await listOpen(fetch, target.apiUrl, token);
  if (!Array.isArray(uploads)) return describeRefusal(uploads.status);
  const count = `${uploads.length} of ${openLimit} unfinished uploads`;
  const due = uploads.filter(({ abandonAt }) => Date.parse(abandonAt) + SWEEP_HOURS * HOUR_MS < now());
  if (due.length > 0) {
    return problem(
      `${count}; ${due.length} should have been abandoned, the oldest since ${oldest(due, "abandonAt")}`,
      "the sweeper does not work: read the log of the sweep function, and see that its EventBridge rule is enabled",
    );
  }
  const remedy = "finish uploads, or cancel them on the page; or raise maximumOpenUploadsPerUser and deploy the stack";
  if (uploads.length >= openLimit) return problem(`${count}: no further one can be started`, remedy);
  if (uploads.length >= NEAR * openLimit) return warning(count, remedy);
  const old = uploads.filter(({ createdAt }) => Date.parse(createdAt) + OLD_DAYS * 24 * HOUR_MS < now());
  if (old.length > 0) {
    return warning(
      `${count}; ${old.length} older than ${OLD_DAYS} days, the oldest from ${oldest(old, "createdAt")}`,
      "resume or cancel them on the page; their parts are paid for. A lower abandonAfterDays clears them earlier",
    );
  }
  return ok(count);
}

async function listOpen(
  fetcher: typeof fetch,
  apiUrl: string,
  token: string,
): Promise<UploadDescription[] | { readonly status: number }> {
  const uploads: UploadDescription[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MOST_PAGES; page++) {
    const query = new URLSearchParams({ state: "open", limit: "100", ...(cursor === undefined ? {} : { cursor }) });
    const answer = await ask(fetcher, `${apiUrl}/uploads?${query.toString()}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    if (!answer.ok) return { status: answer.status };
    const list = (await answer.json()) as ListUploadsResponse;
    uploads.push(...list.uploads);
    cursor = list.cursor;
    if (cursor === undefined) break;
  }
  return uploads;
}

function describeRefusal(status: number): Verdict {
  if (status === 401) {
    return problem(
      "the API refuses the token (401)",
      "get a new one, ID tokens end after an hour; it must be an ID token of the API's own user pool",
    );
  }
  return problem(
    `the API answered ${status} to the list of unfinished uploads`,
    "read the API's access log and the log of its list function",
  );
}

function oldest(uploads: readonly UploadDescription[], member: "createdAt" | "abandonAt"): string {
  return uploads.map((upload) => upload[member]).sort()[0] ?? "";
}
