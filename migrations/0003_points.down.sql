-- Takes away conversions of points, on both databases.
DROP TABLE point_conversions;
