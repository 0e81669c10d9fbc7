"""XML namespaces of several families (doc/contract/rackspace-identity 4)."""

ATOM = 'http://www.w3.org/2005/Atom'
COMMON = 'http://docs.openstack.org/common/api/v1.0'
IDENTITY = 'http://docs.openstack.org/identity/api/v2.0'
