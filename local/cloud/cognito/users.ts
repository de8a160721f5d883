// Users of a pool: creation, lookup, passwords, sign-in. Errors in Cognito's words.
import { randomUUID } from "node:crypto";
import type { Clock } from "../core/clock";
import { AwsError } from "../core/errors";
import { hashPassword, newSalt, passwordMatches, passwordProblem, randomPassword } from "./passwords";
import type { Pool, PoolClient, PoolUser } from "./pool";

/** A user to create. */
export interface NewUser {
  /** A name, or an e-mail address or phone number where the pool signs in with those. */
  readonly username: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly password?: string;
  /** Whether the password is final; a temporary one must be replaced at the first sign-in. */
  readonly permanent?: boolean;
}

/** Adds a user. @throws AwsError UsernameExistsException, InvalidPasswordException, InvalidParameterException. */
export function createUser(clock: Clock, pool: Pool, input: NewUser): PoolUser {
  if (findUser(pool, input.username)) throw new AwsError("UsernameExistsException", "User account already exists");
  const byEmail = pool.usernameAttributes.includes("email");
  const looksLikeEmail = /^[^\s@]+@[^\s@]+$/.test(input.username);
  if (pool.usernameAttributes.length > 0 && byEmail && !looksLikeEmail) {
    throw new AwsError("InvalidParameterException", "Username should be an email.");
  }
  if (pool.aliasAttributes.includes("email") && looksLikeEmail) {
    const reason = "Username cannot be of email format, since user pool is configured for email alias.";
    throw new AwsError("InvalidParameterException", reason);
  }
  const attributes = { ...(byEmail && { email: input.username }), ...input.attributes };
  const sub = randomUUID();
  const user: PoolUser = {
    username: byEmail ? sub : input.username,
    sub,
    attributes,
    status: "FORCE_CHANGE_PASSWORD",
    enabled: true,
    passwordHash: undefined,
    passwordSalt: newSalt(),
    createdAt: clock.now(),
    modifiedAt: clock.now(),
    groups: new Set(),
  };
  setPassword(clock, pool, user, input.password ?? randomPassword(pool.passwordPolicy), input.permanent ?? false);
  pool.users.set(sub, user);
  return user;
}

/** Sets a password. @throws AwsError InvalidPasswordException when the pool's policy refuses it. */
export function setPassword(clock: Clock, pool: Pool, user: PoolUser, password: string, permanent: boolean): void {
  const problem = passwordProblem(password, pool.passwordPolicy);
  if (problem) throw new AwsError("InvalidPasswordException", problem);
  user.passwordHash = hashPassword(password, user.passwordSalt);
  user.status = permanent ? "CONFIRMED" : "FORCE_CHANGE_PASSWORD";
  user.modifiedAt = clock.now();
}

/** The user whom `name` means: user name, `sub`, or an attribute that the pool accepts in their place. */
export function findUser(pool: Pool, name: string): PoolUser | undefined {
  const fold = (text: string): string => (pool.caseSensitive ? text : text.toLowerCase());
  const wanted = fold(name);
  for (const user of pool.users.values()) {
    if (fold(user.username) === wanted || user.sub === name) return user;
    const signInAttributes = [...pool.usernameAttributes, ...pool.aliasAttributes];
    if (signInAttributes.some((attribute) => fold(user.attributes[attribute] ?? "\0") === wanted)) return user;
  }
  return undefined;
}

/** The user with this name. @throws AwsError UserNotFoundException. */
export function requireUser(pool: Pool, name: string): PoolUser {
  const user = findUser(pool, name);
  if (!user) throw new AwsError("UserNotFoundException", "User does not exist.");
  return user;
}

const noHash = { hash: undefined, salt: newSalt() };

/**
 * Checks name and password.
 *
 * @throws AwsError NotAuthorizedException; for unknown users too, in the same time and words, when the client hides existence.
 */
export function authenticate(pool: Pool, client: PoolClient, name: string, password: string): PoolUser {
  const user = findUser(pool, name);
  const matches = passwordMatches(password, user?.passwordHash ?? noHash.hash, user?.passwordSalt ?? noHash.salt);
  if (!user && !client.hideUserExistence) throw new AwsError("UserNotFoundException", "User does not exist.");
  if (!user || !matches) throw new AwsError("NotAuthorizedException", "Incorrect username or password.");
  if (!user.enabled) throw new AwsError("NotAuthorizedException", "User is disabled.");
  return user;
}
