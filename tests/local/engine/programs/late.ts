// Creates a resource from a timer, after the module body has settled.
import { Bucket } from "@pulumi/aws/s3";

setTimeout(() => new Bucket("late"), 30);
