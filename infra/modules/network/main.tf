# The egress of jobs with static_egress_ip, and with static_egress_for_all of the other functions that leave Google: a
# network whose only exit is a NAT with reserved addresses.

variable "project" {
  type = string
}

variable "region" {
  type = string
}

resource "google_compute_network" "egress" {
  project                 = var.project
  name                    = "backfills-egress"
  auto_create_subnetworks = false
}

# Nothing calls in from outside. A network without rules refuses that too, but implicitly.
resource "google_compute_firewall" "nobody_comes_in" {
  project       = var.project
  name          = "backfills-nobody-comes-in"
  network       = google_compute_network.egress.id
  direction     = "INGRESS"
  priority      = 65534
  source_ranges = ["0.0.0.0/0"]

  deny {
    protocol = "all"
  }
}

resource "google_compute_subnetwork" "connector" {
  #checkov:skip=CKV_GCP_26:Every connection is in the application's own log, with its job; NAT logs its errors.
  project       = var.project
  region        = var.region
  name          = "backfills-connector"
  network       = google_compute_network.egress.id
  ip_cidr_range = "10.8.0.0/28"

  # Traffic to Firestore, Pub/Sub and the bucket bypasses the NAT, which would charge for each byte.
  private_ip_google_access = true
}

resource "google_vpc_access_connector" "egress" {
  project       = var.project
  region        = var.region
  name          = "backfills-egress"
  machine_type  = "e2-micro"
  min_instances = 2
  max_instances = 3

  subnet {
    name = google_compute_subnetwork.connector.name
  }
}

# Receivers have these addresses on their allow lists; infra/release/sign_off.py refuses plans that remove one.
resource "google_compute_address" "egress" {
  count = 2

  project = var.project
  region  = var.region
  name    = "backfills-egress-${count.index}"
}

resource "google_compute_router" "egress" {
  project = var.project
  region  = var.region
  name    = "backfills-egress"
  network = google_compute_network.egress.id
}

resource "google_compute_router_nat" "egress" {
  project                            = var.project
  region                             = var.region
  name                               = "backfills-egress"
  router                             = google_compute_router.egress.name
  nat_ip_allocate_option             = "MANUAL_ONLY"
  nat_ips                            = google_compute_address.egress[*].self_link
  source_subnetwork_ip_ranges_to_nat = "ALL_SUBNETWORKS_ALL_IP_RANGES"

  # A connector's machine carries the connections of many functions, often to one receiver; the default is 64 ports. Two
  # addresses have 2 * 64512 ports, enough for 15 machines: three, and their replacements.
  min_ports_per_vm = 8192

  log_config {
    enable = true
    filter = "ERRORS_ONLY"
  }
}

output "connector" {
  value = google_vpc_access_connector.egress.id
}

output "addresses" {
  value = google_compute_address.egress[*].address
}
