// POST /tickets.
import { serve } from "../shared/http";
import { createStores, now } from "./composition";
import { issueTicket } from "./issue-ticket";
import { readTicketRequest } from "./requests";
import { readSettings } from "./settings";

const settings = readSettings(process.env);
const { allowedOrigins, socketUrl } = settings;
const { runs, tickets } = createStores(settings, process.env);
// A user is a user here, whatever tenant: no claim is looked at but the subject.
const frame = { allowedOrigins, tenantClaim: "", route: "tickets" };

/** Lambda entry point. */
export const handler = serve(frame, async ({ caller, readBody }) => ({
  status: 201,
  body: await issueTicket({ runs, tickets, socketUrl, now }, caller.user, readTicketRequest(readBody())),
}));
