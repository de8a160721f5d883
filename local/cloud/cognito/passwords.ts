// Passwords: the pool's policy, hashing, and random ones for demo users.
import { randomBytes, randomInt, scryptSync, timingSafeEqual } from "node:crypto";

/** Rules for passwords. */
export interface PasswordPolicy {
  /** Characters, 6 to 99. */
  readonly minimumLength: number;
  readonly requireLowercase: boolean;
  readonly requireUppercase: boolean;
  readonly requireNumbers: boolean;
  readonly requireSymbols: boolean;
}

/** Cognito's own policy for pools that declare none. */
export const defaultPasswordPolicy: PasswordPolicy = {
  minimumLength: 8,
  requireLowercase: true,
  requireUppercase: true,
  requireNumbers: true,
  requireSymbols: true,
};

const maximumLength = 256;
/** Cognito's list of symbols; a space counts inside a password only. */
const symbols = /[\^$*.[\]{}()?"!@#%&/\\,><':;|_~`=+-]/;

/** The rule that `password` breaks, in Cognito's words; undefined when it holds. */
export function passwordProblem(password: string, policy: PasswordPolicy): string | undefined {
  const rules: readonly (readonly [boolean, string])[] = [
    [password.length >= policy.minimumLength, "Password not long enough"],
    [password.length <= maximumLength, "Password too long"],
    [!/^\s|\s$/.test(password), "Password must not begin or end with a space"],
    [!policy.requireLowercase || /[a-z]/.test(password), "Password must have lowercase characters"],
    [!policy.requireUppercase || /[A-Z]/.test(password), "Password must have uppercase characters"],
    [!policy.requireNumbers || /[0-9]/.test(password), "Password must have numeric characters"],
    [!policy.requireSymbols || symbols.test(password), "Password must have symbol characters"],
  ];
  const broken = rules.find(([holds]) => !holds);
  return broken && `Password did not conform with policy: ${broken[1]}`;
}

/** A salt for `hashPassword`. */
export function newSalt(): Buffer {
  return randomBytes(16);
}

/** Hash to keep instead of a password. The cost is low: these users live as long as the local run. */
export function hashPassword(password: string, salt: Buffer): Buffer {
  return scryptSync(password, salt, 32, { N: 1024 });
}

/** Compares in constant time. */
export function passwordMatches(password: string, hash: Buffer | undefined, salt: Buffer): boolean {
  const candidate = hashPassword(password, salt);
  return hash !== undefined && timingSafeEqual(candidate, hash);
}

/** A random password that satisfies `policy`: letters, digits and "-", easy to read and to type. */
export function randomPassword(policy: PasswordPolicy): string {
  const pick = (alphabet: string, count: number): string =>
    Array.from({ length: count }, () => alphabet[randomInt(alphabet.length)]).join("");
  const lower = "abcdefghjkmnpqrstuvwxyz";
  const groups = [pick("ABCDEFGHJKLMNPQRSTUVWXYZ", 1) + pick(lower, 4), pick(lower, 5), pick("23456789", 5)];
  const filler = Math.max(0, policy.minimumLength - groups.join("-").length);
  return groups.join("-") + (filler > 0 ? `-${pick(lower, filler)}` : "");
}
