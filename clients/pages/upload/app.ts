// The upload page: sign in, drop files, watch them go, continue unfinished ones, compare the four ways.

import type { UploadClientConfiguration, UploadDescription } from "../../../handlers/upload/contract";
import type { Session, SessionConfiguration } from "../../session";
import { type Acceleration, createUploader, type Uploader, type UploadOptions } from "../../upload";
import { createBrowserEnvironment } from "../../upload/browser";
import { Chart } from "./chart";
import { setUpComparison } from "./compare";
import { announce, byId, make, makeButton } from "../shared/dom";
import { complain, loadConfiguration, openSession } from "../shared/page";
import { formatBytes, formatRate } from "./format";
import { Transfers } from "./transfers";

/** `config.json` beside the page, written by the stack. */
interface PageConfiguration {
  readonly upload: UploadClientConfiguration;
  readonly session: SessionConfiguration;
}

const CHART_MS = 500;
const FINISHED_SHOWN = 10;

async function start(): Promise<void> {
  const { upload, session: signIn } = await loadConfiguration<PageConfiguration>();
  const session = await openSession(signIn);
  if (session.user) setUpWorkspace(upload, session);
}

function setUpWorkspace(configuration: UploadClientConfiguration, session: Session): void {
  if (configuration.authorization === "iam") {
    throw new Error("This page signs in with a user pool; the API expects SigV4 signatures.");
  }
  const uploader = createUploader({
    configuration,
    environment: createBrowserEnvironment(),
    authorize: async ({ refused }) => ({ authorization: `Bearer ${await session.idToken(refused)}` }),
  });
  const refresh = refreshLists(uploader, () => transfers);
  const transfers = new Transfers(uploader, refresh);
  const acceleration = byId("acceleration", HTMLSelectElement);
  acceleration.disabled = !configuration.acceleration;
  if (!configuration.acceleration) acceleration.value = "off";
  setUpChoosing((file) => transfers.add(file, readSettings()));
  setUpChart(transfers);
  setUpComparison(uploader, configuration, refresh);
  byId("drop-hint", HTMLElement).textContent =
    `or choose them, up to ${formatBytes(configuration.maximumFileBytes)} each`;
  refresh();
}

function readSettings(): UploadOptions {
  const partSize = Number(byId("part-size", HTMLSelectElement).value) * 1024 ** 2;
  const parallel = Number(byId("parallel", HTMLSelectElement).value);
  return {
    acceleration: byId("acceleration", HTMLSelectElement).value as Acceleration,
    ...(partSize && { partSize }),
    ...(parallel && { parallel }),
  };
}

function setUpChoosing(add: (file: File) => void): void {
  const drop = byId("drop", HTMLElement);
  const chooser = byId("files", HTMLInputElement);
  byId("choose", HTMLButtonElement).addEventListener("click", () => chooser.click());
  chooser.addEventListener("change", () => {
    for (const file of chooser.files ?? []) add(file);
    chooser.value = "";
  });
  // The whole window takes files: a near miss must not make the browser open the file instead.
  window.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  window.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) drop.classList.remove("over");
  });
  window.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    for (const file of event.dataTransfer?.files ?? []) add(file);
  });
}

function setUpChart(transfers: Transfers): void {
  const svg = byId("chart", SVGSVGElement);
  const chart = new Chart(svg);
  const total = byId("total-rate", HTMLElement);
  setInterval(() => {
    const { rates } = transfers;
    if (rates.size) svg.removeAttribute("hidden");
    if (svg.hasAttribute("hidden")) return;
    chart.add(rates);
    total.textContent = rates.size ? formatRate([...rates.values()].reduce((sum, rate) => sum + rate, 0)) : "";
  }, CHART_MS);
}

/** Loads both lists from the server; calls in quick succession become one. */
function refreshLists(uploader: Uploader, getTransfers: () => Transfers): () => void {
  let waiting: ReturnType<typeof setTimeout> | undefined;
  const refresh = (): void => {
    clearTimeout(waiting);
    waiting = setTimeout(() => void load().catch(complain), 250);
  };
  const load = async (): Promise<void> => {
    const [open, completed] = await Promise.all([uploader.list("open"), uploader.list("completed")]);
    const shown = getTransfers().uploadIds;
    showUnfinished(open.filter(({ uploadId }) => !shown.has(uploadId)));
    showFinished(completed.slice(0, FINISHED_SHOWN));
  };

  function showUnfinished(uploads: readonly UploadDescription[]): void {
    byId("unfinished-section", HTMLElement).hidden = uploads.length === 0;
    byId("unfinished", HTMLUListElement).replaceChildren(
      ...uploads.map((upload) => {
        const resume = makeButton("Continue…", `Continue ${upload.fileName}: choose the file`, () => {
          chooseAgain((file) => getTransfers().add(file, { ...readSettings(), uploadId: upload.uploadId }));
        });
        const remove = makeButton("Remove", `Remove ${upload.fileName}`, () => {
          const done = (): void => announce(`${upload.fileName} was removed.`);
          void uploader.discard(upload.uploadId).then(done, complain).finally(refresh);
        });
        const started = `started ${new Date(upload.createdAt).toLocaleString()}`;
        const until = `kept until ${new Date(upload.abandonAt).toLocaleString()}`;
        return makeListRow(upload, [started, until], resume, remove);
      }),
    );
  }
  return refresh;
}

function chooseAgain(add: (file: File) => void): void {
  const chooser = byId("continue-file", HTMLInputElement);
  chooser.value = "";
  chooser.onchange = () => {
    const file = chooser.files?.[0];
    if (file) add(file);
  };
  chooser.click();
}

function showFinished(uploads: readonly UploadDescription[]): void {
  byId("finished-section", HTMLElement).hidden = uploads.length === 0;
  byId("finished", HTMLUListElement).replaceChildren(
    ...uploads.map((upload) => makeListRow(upload, [upload.contentType, upload.key ?? ""])),
  );
}

function makeListRow(upload: UploadDescription, facts: readonly string[], ...actions: HTMLElement[]): HTMLLIElement {
  const size = make("small", { textContent: formatBytes(upload.size) });
  return make(
    "li",
    {},
    make("p", { className: "name" }, upload.fileName, size),
    make("div", { className: "actions" }, ...actions),
    make("p", { className: "facts" }, ...facts.filter(Boolean).map((fact) => make("span", { textContent: fact }))),
  );
}

start().catch(complain);
