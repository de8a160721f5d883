// What the halves of the Cognito service share: pools, refresh tokens, demo users, open listeners.
import type { CloudContext, Listener } from "../core/service";
import { NotSimulatedError } from "../core/errors";
import { PoolStore } from "./pool";
import type { Pool } from "./pool";
import { RefreshTokens } from "./refresh-tokens";

/** A user that exists for trying things out; made anew in each run. */
export interface DemoUser {
  readonly userPoolId: string;
  readonly username: string;
  readonly password: string;
}

/** State of the service. */
export class CognitoState {
  readonly store = new PoolStore();
  readonly refreshTokens: RefreshTokens;
  /** By pool id. */
  readonly demoUsers = new Map<string, DemoUser>();
  /** Domain listeners by domain prefix. */
  readonly domains = new Map<string, { readonly listener: Listener; readonly withdraw: () => void }>();
  /** Serves keys and discovery documents of all pools; opened with the first pool. */
  issuerListener: Promise<Listener> | undefined;

  constructor(readonly context: CloudContext) {
    this.refreshTokens = new RefreshTokens(context.clock);
  }

  /** The pool with this id. @throws NotSimulatedError when this run did not declare it. */
  pool(id: string): Pool {
    const pool = this.store.pools.get(id);
    if (!pool) throw new NotSimulatedError(`User pool ${id}, which this program does not declare,`, "the program");
    return pool;
  }
}
