// What the rest of the embedded cloud uses of IAM and STS.
export { createAccessControl, type LocalAccessControl } from "./access-control";
export { createPolicyEvaluator } from "./evaluator";
export { checkPolicyDocument, type PolicyKind, policySize } from "./policy-check";
export { createIamService } from "./service";
export { createStsService } from "./sts";
