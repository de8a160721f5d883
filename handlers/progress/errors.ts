// Refusals of client messages: one class per code of the contract.
import { PublicError } from "../shared/errors";
import type { ProgressErrorCode } from "./contract";

/** A refusal with a code of the contract. */
class ProgressError extends PublicError {
  declare readonly code: ProgressErrorCode;
}

/** The message is not what the contract says. */
export class BadRequestError extends ProgressError {
  constructor(message: string) {
    super("BadRequest", 400, message);
  }
}

/** The ticket of the connection does not cover the action. */
export class ForbiddenError extends ProgressError {
  constructor() {
    super(
      "Forbidden",
      403,
      "The ticket of this connection is for watching one run; connect with a ticket for all runs",
    );
  }
}

/** No such run, or somebody else's: nobody learns which. */
export class RunNotFoundError extends ProgressError {
  constructor() {
    super("NotFound", 404, "There is no such run of yours");
  }
}

/** No detail of the step is kept: it had none, or it travelled with its event. */
export class DetailNotFoundError extends ProgressError {
  constructor() {
    super("NotFound", 404, "No detail of this step is kept; a small one is in its event");
  }
}

/** The state of the run does not allow the action. */
export class RunConflictError extends ProgressError {
  constructor(message: string) {
    super("Conflict", 409, message);
  }
}

/** More starts than the component allows, or than Step Functions takes. */
export class TooManyStartsError extends ProgressError {
  constructor(message: string) {
    super("TooManyRequests", 429, message);
  }
}

/** A report or status event that is not what the contract says. It is not tried again with better luck, but its sender should know. */
export class InvalidReportError extends Error {
  constructor(problem: string) {
    super(`the report is invalid: ${problem}`);
    this.name = "InvalidReportError";
  }
}

/** Other writers got in between every time. The sender repeats the report. */
export class BusyRunError extends Error {
  constructor(executionId: string) {
    super(`run ${executionId} changes faster than it can be written`);
    this.name = "BusyRunError";
  }
}
