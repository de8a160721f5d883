// SignInUserPool: a Cognito user pool with its hosted sign-in page, for browser clients without a secret.
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { enforce, enforceLater, integerBetween, type Rule } from "./shared/validation";

/** Arguments of `SignInUserPool`. */
export interface SignInUserPoolArgs {
  /** Prefix of the sign-in host, unique in the Region: lower-case letters, digits and hyphens, without "aws", "amazon" or "cognito". */
  readonly domainPrefix: pulumi.Input<string>;
  /** Pages that a user may return to after sign-in, whole URLs. At least one. */
  readonly callbackUrls: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Pages that a user may return to after sign-out.
   * @default - the callback URLs
   */
  readonly logoutUrls?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Lets people register by themselves; their e-mail address is verified either way.
   * @default `false`
   */
  readonly selfSignUp?: boolean;
  /**
   * Minutes that ID and access tokens are valid, 5 to 1440.
   * @default `60`
   */
  readonly tokenValidityMinutes?: number;
  /**
   * Days that a sign-in can be renewed, 1 to 365.
   * @default `1`
   */
  readonly refreshTokenValidityDays?: number;
  /**
   * Protects the pool, and with it everybody's account, from deletion.
   * @default `true`
   */
  readonly deletionProtection?: boolean;
  /**
   * Region of the pool.
   * @default - Region of the provider
   */
  readonly region?: string;
  /**
   * Tags of the pool.
   * @default - none
   */
  readonly tags?: Record<string, pulumi.Input<string>>;
}

/** What a page needs to know to sign a user in. Holds no secret. */
export interface SignInClientSettings {
  /** Base URL of the sign-in pages, without a trailing slash. */
  readonly domainUrl: string;
  /** Public client, used with PKCE. */
  readonly clientId: string;
  /** OAuth scopes to ask for. */
  readonly scopes: string[];
}

/** Scopes that the client may ask for. */
const SCOPES: readonly string[] = ["openid", "email", "profile"];

/**
 * A Cognito user pool whose hosted pages sign users in to browser clients: authorization code flow with PKCE, no client secret.
 *
 * Creates an `aws.cognito.UserPool`, `aws.cognito.UserPoolClient` and `aws.cognito.UserPoolDomain`.
 *
 * ```ts
 * const users = new SignInUserPool("users", {
 *   domainPrefix: "acme-media-dev",
 *   callbackUrls: ["https://app.example.com/"],
 * });
 * export const clientId = users.clientId;
 * ```
 *
 * Security: e-mail addresses are verified, nobody is confirmed automatically, passwords have 12 characters or more, an
 * authenticator app can be added, refresh tokens rotate and can be revoked, unknown users are not told apart from wrong passwords.
 * Cost: Cognito's price per monthly active user beyond its free tier.
 */
export class SignInUserPool extends pulumi.ComponentResource {
  /** Type token of the component. */
  static readonly pulumiType = "serverless-patterns:index:SignInUserPool";

  /** The pool. */
  public readonly userPool: aws.cognito.UserPool;
  /** The public client. */
  public readonly userPoolClient: aws.cognito.UserPoolClient;
  /** The host of the sign-in pages. */
  public readonly userPoolDomain: aws.cognito.UserPoolDomain;
  /** ARN of the pool. */
  public readonly userPoolArn: pulumi.Output<string>;
  /** Id of the public client. */
  public readonly clientId: pulumi.Output<string>;
  /** What a page needs to know to sign a user in. */
  public readonly clientConfiguration: pulumi.Output<SignInClientSettings>;

  /**
   * @param name Logical name; prefix of every child's name.
   * @param args Arguments.
   * @param opts Options of the component resource.
   * @throws pulumi.InputPropertiesError when an argument breaks a rule.
   */
  constructor(name: string, args: SignInUserPoolArgs, opts?: pulumi.ComponentResourceOptions) {
    enforce(name, [
      integerBetween("tokenValidityMinutes", args.tokenValidityMinutes, 5, 1440),
      integerBetween("refreshTokenValidityDays", args.refreshTokenValidityDays, 1, 365),
    ]);
    super(SignInUserPool.pulumiType, name, {}, opts);
    const regional = args.region === undefined ? {} : { region: args.region };
    this.userPool = createPool(name, args, this);
    this.userPoolClient = createClient(name, args, this.userPool, this);
    this.userPoolDomain = new aws.cognito.UserPoolDomain(
      `${name}-domain`,
      {
        userPoolId: this.userPool.id,
        domain: enforceLater(name, args.domainPrefix, prefixRules),
        managedLoginVersion: 1,
        ...regional,
      },
      { parent: this },
    );
    this.userPoolArn = this.userPool.arn;
    this.clientId = this.userPoolClient.id;
    const region = args.region ?? aws.getRegionOutput({}, { parent: this }).region;
    this.clientConfiguration = pulumi.output({
      domainUrl: pulumi.interpolate`https://${this.userPoolDomain.domain}.auth.${region}.amazoncognito.com`,
      clientId: this.clientId,
      scopes: [...SCOPES],
    });
    this.registerOutputs({
      userPool: this.userPool,
      userPoolClient: this.userPoolClient,
      userPoolDomain: this.userPoolDomain,
      userPoolArn: this.userPoolArn,
      clientId: this.clientId,
      clientConfiguration: this.clientConfiguration,
    });
  }
}

function prefixRules(prefix: string): Rule[] {
  return [
    {
      property: "domainPrefix",
      holds: /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(prefix) && !/aws|amazon|cognito/.test(prefix),
      rule: 'be 1 to 63 lower-case letters, digits and hyphens, without "aws", "amazon" or "cognito"',
      got: prefix,
      remedy: "pick another prefix",
    },
  ];
}

function createPool(name: string, args: SignInUserPoolArgs, parent: pulumi.Resource): aws.cognito.UserPool {
  return new aws.cognito.UserPool(
    `${name}-pool`,
    {
      usernameAttributes: ["email"],
      usernameConfiguration: { caseSensitive: false },
      autoVerifiedAttributes: ["email"],
      adminCreateUserConfig: { allowAdminCreateUserOnly: !(args.selfSignUp ?? false) },
      passwordPolicy: {
        minimumLength: 12,
        requireLowercase: true,
        requireUppercase: true,
        requireNumbers: true,
        requireSymbols: false,
        temporaryPasswordValidityDays: 7,
      },
      mfaConfiguration: "OPTIONAL",
      softwareTokenMfaConfiguration: { enabled: true },
      accountRecoverySetting: { recoveryMechanisms: [{ name: "verified_email", priority: 1 }] },
      deletionProtection: (args.deletionProtection ?? true) ? "ACTIVE" : "INACTIVE",
      tags: args.tags ?? {},
      ...(args.region === undefined ? {} : { region: args.region }),
    },
    { parent },
  );
}

function createClient(
  name: string,
  args: SignInUserPoolArgs,
  userPool: aws.cognito.UserPool,
  parent: pulumi.Resource,
): aws.cognito.UserPoolClient {
  const minutes = args.tokenValidityMinutes ?? 60;
  return new aws.cognito.UserPoolClient(
    `${name}-client`,
    {
      userPoolId: userPool.id,
      generateSecret: false,
      // Named, since the default includes ALLOW_REFRESH_TOKEN_AUTH, which rotation excludes. The hosted pages need none of them.
      explicitAuthFlows: ["ALLOW_USER_SRP_AUTH"],
      // No attribute that an application might trust can be written by the user.
      writeAttributes: ["email"],
      allowedOauthFlowsUserPoolClient: true,
      allowedOauthFlows: ["code"],
      allowedOauthScopes: [...SCOPES],
      supportedIdentityProviders: ["COGNITO"],
      callbackUrls: enforceLater(name, args.callbackUrls, (urls) => [
        {
          property: "callbackUrls",
          holds: urls.length > 0,
          rule: "name at least one page",
          got: urls,
          remedy: "list the pages that users return to",
        },
      ]),
      logoutUrls: args.logoutUrls ?? args.callbackUrls,
      accessTokenValidity: minutes,
      idTokenValidity: minutes,
      refreshTokenValidity: args.refreshTokenValidityDays ?? 1,
      tokenValidityUnits: { accessToken: "minutes", idToken: "minutes", refreshToken: "days" },
      refreshTokenRotation: { feature: "ENABLED", retryGracePeriodSeconds: 10 },
      enableTokenRevocation: true,
      preventUserExistenceErrors: "ENABLED",
      ...(args.region === undefined ? {} : { region: args.region }),
    },
    { parent },
  );
}
