"""The atlas: complexity measures of families of instances, side by side, and which of the numbers are exact."""
