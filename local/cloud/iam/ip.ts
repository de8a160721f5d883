// Address ranges for the conditions IpAddress and NotIpAddress, IPv4 and IPv6.
import { BlockList, isIP } from "node:net";

const familyOf = (address: string): "ipv4" | "ipv6" | undefined => {
  const version = isIP(address);
  return version === 4 ? "ipv4" : version === 6 ? "ipv6" : undefined;
};

/** Test of addresses against one address or CIDR range. A range that cannot be read matches nothing. */
export function addressMatcher(range: string): (address: string) => boolean {
  const [network = "", prefix] = range.split("/");
  const family = familyOf(network);
  if (!family) return () => false;
  const bits = family === "ipv4" ? 32 : 128;
  const length = prefix === undefined ? bits : Number(prefix);
  if (!Number.isInteger(length) || length < 0 || length > bits) return () => false;
  const list = new BlockList();
  list.addSubnet(network, length, family);
  return (address) => familyOf(address) === family && list.check(address, family);
}
