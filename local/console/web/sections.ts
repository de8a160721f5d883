// Sections of the page: the address names the one that is shown ("#alarms"). A panel may stand in several.
import { byId } from "./dom.js";

const SECTIONS = ["overview", "dashboards", "alarms", "queues", "workflows", "calls", "logs"] as const;
/** A section. */
export type SectionName = (typeof SECTIONS)[number];

/** Shows the section that the address names, now and whenever it changes. */
export function createSections(onChange: (section: SectionName) => void): { current(): SectionName } {
  const links = [...byId("sections").querySelectorAll("a")];
  const panels = [...document.querySelectorAll<HTMLElement>("[data-sections]")];
  let current: SectionName = "overview";
  const show = (): void => {
    current = SECTIONS.find((section) => location.hash === `#${section}`) ?? "overview";
    document.body.dataset.section = current;
    for (const link of links) {
      if (link.hash === `#${current}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    for (const panel of panels) panel.hidden = !(panel.dataset.sections ?? "").split(" ").includes(current);
    links.find(({ hash }) => hash === `#${current}`)?.scrollIntoView({ block: "nearest", inline: "nearest" });
    onChange(current);
  };
  window.addEventListener("hashchange", show);
  show();
  return { current: () => current };
}
