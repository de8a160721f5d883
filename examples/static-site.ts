// A page without a server.
import { StaticSite } from "../components";

const site = new StaticSite("docs");
site.publish("index.html", "<!doctype html><html lang=en><title>Docs</title><p>Hello");

/** Open it. */
export const url = site.url;
