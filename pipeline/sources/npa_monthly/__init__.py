"""Rolling monthly file of Japan's National Police Agency (特殊詐欺の認知・検挙状況等)."""
