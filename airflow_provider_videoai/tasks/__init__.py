# SPDX-License-Identifier: Apache-2.0
"""What operators, sensors, triggers and transfers share: errors, templates, task state, XComs."""
