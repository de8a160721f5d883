// The account-wide setting, in the stack that owns it.
import { ApiGatewayLogging } from "../components";

const logging = new ApiGatewayLogging("api-logging");

/** The role with which API Gateway writes logs. */
export const logRoleArn = logging.role.arn;
