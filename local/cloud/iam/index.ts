// What the rest of the embedded cloud uses of IAM and STS.
export { createAccessControl, type LocalAccessControl } from "./access-control";
export { createPolicyEvaluator } from "./evaluator";
export { createIamService } from "./service";
export { createStsService } from "./sts";
